import { runbooks } from './runbook.ts';

/** What the worker sees of its own work. */
export const ALERTS_OF_TASKS = runbooks({
  task_failed: {
    means: {
      en: 'a task has used up its retries, its payload does not fit, or it started 10 times without an outcome (`poison_job`: it may be what kills the worker).',
      ru: 'задача израсходовала все попытки, её данные не подходят или она начиналась 10 раз без итога (`poison_job`: возможно, именно она убивает воркер).',
    },
    look: {
      en: 'code and error in the message; [failed jobs](/jobs, operations.md#day-to-day), also `task-worker dead-letters`; the log by job id.',
      ru: 'код и ошибка в сообщении; [неудавшиеся задания](/jobs, operations.md#day-to-day), они же `task-worker dead-letters`; журнал по id задания.',
    },
    act: {
      en: 'mend the cause, then replay the job on its page, or with `task-worker dead-letters replay <job>`. A scheduled task comes again by itself.',
      ru: 'устраните причину и повторите задание на его странице или командой `task-worker dead-letters replay <job>`. Задача по расписанию запустится снова сама.',
    },
  },
  task_errors: {
    means: {
      en: 'more than 5 % of all jobs of the last 15 minutes ended in an error.',
      ru: 'больше 5 % всех заданий последних 15 минут закончились ошибкой.',
    },
    look: {
      en: 'the errors in the message, most frequent first. One code in many tasks is a dependency; many codes in one task is that task.',
      ru: 'ошибки в сообщении, самые частые первыми. Один код во многих задачах — внешний сервис; много кодов в одной задаче — сама задача.',
    },
    act: {
      en: 'mend the dependency; after a bad release go back to the one before. It ends by itself once the window is clean.',
      ru: 'почините внешний сервис; после неудачного выпуска вернитесь к предыдущему. Закончится само, когда окно очистится.',
    },
  },
  queue_depth: {
    means: {
      en: "more than 500 jobs wait in one queue, or the Python producers' stream is that long.",
      ru: 'в одной очереди ждёт больше 500 заданий, или столько накопилось в потоке производителей на Python.',
    },
    look: {
      en: '`taskiq_queue_depth`, what runs now, whether workers are up (`/health/ready`), whether something floods the queue.',
      ru: '`taskiq_queue_depth`, что выполняется сейчас, работают ли воркеры (`/health/ready`), не заваливает ли кто-то очередь.',
    },
    act: {
      en: 'more workers (they only share Redis and PostgreSQL), or a higher `TASK_CONCURRENCY`. A flood of one task can be stopped with `DISABLED_TASKS`.',
      ru: 'больше воркеров (общие у них только Redis и PostgreSQL) или больший `TASK_CONCURRENCY`. Поток одной задачи останавливает `DISABLED_TASKS`.',
    },
    rules: {
      QueueTooLong: {
        summary: 'Работа накапливается',
        description: 'Заданий, сообщений и записей потока ждёт уже 15 минут: {value}.',
        action:
          'Посмотрите, какая это очередь. Рассылка уходит по 30 сообщений в секунду; для остального нужно больше воркеров.',
      },
      TaskQueueBacklog: {
        summary: 'Работа ждёт: {queue}',
        description: 'Заданий или строк ждёт уже 15 минут: {value}; рассылка может идти столько.',
        action: 'Посмотрите на очереди и на сервисы, которые нужны этим задачам.',
      },
    },
  },
  worker_memory: {
    means: {
      en: "the processes of a worker use over 80 % of their container's memory limit, or one of them of its heap.",
      ru: 'процессы воркера занимают больше 80 % памяти контейнера, или один из них — больше 80 % своей кучи.',
    },
    look: {
      en: 'memory over time: a step comes with a task (exports, bulk), a slope is a leak.',
      ru: 'память во времени: ступень приходит с задачей (выгрузки, массовые операции), наклон — это утечка.',
    },
    act: {
      en: 'raise the limit or lower `WORKER_CONCURRENCY`. Restarting is safe at any time: jobs go back to their queues.',
      ru: 'поднимите лимит или уменьшите `WORKER_CONCURRENCY`. Перезапуск безопасен в любой момент: задания вернутся в очереди.',
    },
    rules: {
      WorkerMemoryHigh: {
        summary: 'Воркеру {instance} не хватает памяти',
        description: 'Уже десять минут занято {value} его памяти.',
        action: 'Поднимите лимит или уменьшите WORKER_CONCURRENCY. Перезапуск безопасен в любой момент.',
      },
    },
  },
  worker_process_silent: {
    means: {
      en: 'a process of a worker was alive and did not answer for a minute; it was ended and a new one started. Its jobs run elsewhere.',
      ru: 'процесс воркера минуту не отвечал, хотя жив; его остановили и запустили новый. Его задания выполнят другие.',
    },
    look: {
      en: 'the lines of the log before that; `nodejs_eventloop_lag_p99_seconds`; which task ran; whether the machine has processor time and memory to spare.',
      ru: 'строки журнала перед этим; `nodejs_eventloop_lag_p99_seconds`; какая задача выполнялась; хватает ли машине процессора и памяти.',
    },
    act: {
      en: 'nothing, where it happened once. If it comes again: give the machine more processor time or lower `WORKER_CONCURRENCY`; a task that blocks its process is a bug to report.',
      ru: 'если случилось один раз — ничего. Если повторяется: дайте машине больше процессора или уменьшите `WORKER_CONCURRENCY`; задача, которая блокирует процесс, — это ошибка, о которой стоит сообщить.',
    },
  },
  schedule_overdue: {
    means: {
      en: 'a scheduled task has not succeeded for twice its period, at least 5 minutes. Also in `/health/ready` (degraded), `cybervpn_schedule_overdue` and the daily report.',
      ru: 'задача по расписанию не завершалась успешно вдвое дольше своего периода и не меньше 5 минут. Видно и в `/health/ready` (degraded), `cybervpn_schedule_overdue` и ежедневном отчёте.',
    },
    look: {
      en: 'whether a scheduler is up (`task-worker schedules`, `doctor`), whether the task fails (`taskiq_task_errors_total`) or runs without end, whether its queue is stuck behind long jobs.',
      ru: 'работает ли планировщик (`task-worker schedules`, `doctor`), не падает ли задача (`taskiq_task_errors_total`), не идёт ли она без конца, не стоит ли её очередь за долгими заданиями.',
    },
    act: {
      en: 'start `task-worker scheduler`; mend what makes it fail. To switch a task off permanently use `DISABLED_TASKS`, for a while pause its schedule ([Pausing a schedule](operations.md#pausing-a-schedule)): then it is not waited for.',
      ru: 'запустите `task-worker scheduler`; устраните то, от чего она падает. Выключить задачу насовсем — `DISABLED_TASKS`, на время — приостановите её расписание ([как](operations.md#pausing-a-schedule)): тогда её не ждут.',
    },
    rules: {
      ScheduleOverdue: {
        summary: 'Задача по расписанию {task_name} опаздывает',
        description: 'Она не завершалась успешно вдвое дольше своего периода, не меньше пяти минут.',
        action: 'Проверьте, не падает ли она, не стоит ли её очередь и работает ли планировщик.',
      },
    },
  },
});
