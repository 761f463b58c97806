import { runbooks } from './runbook.ts';

/** What Prometheus tells of workers and their tasks. */
export const RULES_OF_WORKERS = runbooks({
  NoWorkerUp: {
    means: {
      en: 'for a minute no worker, or this one, has answered a scrape. A restart by the health check takes under 30 s, so it did not mend itself.',
      ru: 'минуту ни один воркер, или этот, не отвечает на опрос. Перезапуск по проверке здоровья занимает меньше 30 с, значит, само не починилось.',
    },
    look: {
      en: "the container's state and last lines: exit code 78 is a wrong environment (all problems are listed), 137 is memory. `task-worker doctor` in the same image.",
      ru: 'состояние контейнера и последние строки: код выхода 78 — неверное окружение (перечислено всё), 137 — память. `task-worker doctor` в том же образе.',
    },
    act: {
      en: 'start it. Nothing is lost: jobs of a dead worker run elsewhere within 20 s, or when one is back; messages and payments wait in PostgreSQL.',
      ru: 'запустите его. Ничего не теряется: задания мёртвого воркера за 20 с выполнят другие или он сам, когда вернётся; сообщения и платежи ждут в PostgreSQL.',
    },
    rules: {
      NoWorkerUp: {
        summary: 'Ни один воркер не работает',
        description:
          'Минуту не отвечает ни один воркер. Сообщения и платежи ждут в PostgreSQL, задания — в Redis; пока ничего не потеряно.',
        action:
          'Запустите воркер или посмотрите, почему он не держится (последние строки журнала; код выхода 78 — настройки).',
      },
      WorkerReplicaDown: {
        summary: 'Воркер {instance} не отвечает',
        description: 'Его задания за 20 секунд забирают другие воркеры.',
        action: 'Посмотрите на его контейнер и последние строки журнала; запустите снова.',
      },
      TaskWorkerDown: {
        summary: 'Воркер не отвечает: {instance}',
        description: 'Его показатели не читаются пять минут. Что он делает, ждёт; ничего не теряется.',
        action: 'Посмотрите на его контейнер и журнал; запустите снова.',
      },
    },
  },
  NoSchedulerUp: {
    means: {
      en: 'no scheduler for five minutes. Workers go on making the jobs of the schedules that are in Redis.',
      ru: 'пять минут нет планировщика. Воркеры продолжают создавать задания по расписаниям, которые есть в Redis.',
    },
    look: {
      en: 'its container. Were Redis emptied now, schedules would not come back.',
      ru: 'его контейнер. Если сейчас опустошить Redis, расписания не вернутся.',
    },
    act: {
      en: 'start `task-worker scheduler`; more than one may run.',
      ru: 'запустите `task-worker scheduler`; их может быть несколько.',
    },
    rules: {
      NoSchedulerUp: {
        summary: 'Ни один планировщик не работает',
        description:
          'Расписания, которые есть в Redis, идут без него. Они не вернутся, если Redis опустеет, и изменения не применяются.',
        action: 'Запустите планировщик.',
      },
    },
  },
  WorkerRestarts: {
    means: {
      en: 'processes of a worker start again and again, or one was killed by SIGKILL, which only the kernel does unasked, for want of memory.',
      ru: 'процессы воркера запускаются снова и снова, или один убит SIGKILL, что без просьбы делает только ядро, когда не хватает памяти.',
    },
    look: {
      en: '`worker process died` in the log with code and signal; `process_resident_memory_bytes`; dead letters with the code `poison_job`, a job that kills its process.',
      ru: '`worker process died` в журнале, с кодом и сигналом; `process_resident_memory_bytes`; неудавшиеся задания с кодом `poison_job`, которые убивают свой процесс.',
    },
    act: {
      en: 'raise the memory limit or lower `WORKER_CONCURRENCY`. A poisonous job is kept out after ten starts by itself; report its payload.',
      ru: 'поднимите лимит памяти или уменьшите `WORKER_CONCURRENCY`. Ядовитое задание после десяти запусков исключается само; сообщите его данные.',
    },
    rules: {
      WorkerRestarts: {
        summary: 'Воркер {instance} постоянно перезапускается',
        description: 'Запусков его процессов за 15 минут: {value}.',
        action: 'Посмотрите последние строки перед каждым запуском, память и задания с кодом poison_job.',
      },
      WorkerProcessKilled: {
        summary: 'Процесс воркера {instance} убит',
        description: 'Сам по себе так делает только ядро, когда не хватает памяти. Его задания забрали другие.',
        action: 'Посмотрите память контейнера и машины; поднимите лимит или уменьшите WORKER_CONCURRENCY.',
      },
    },
  },
  WorkerCpuHigh: {
    means: {
      en: 'over 30 % of a core for half an hour, or an event loop that is late by more than a second, so that locks of jobs may run out.',
      ru: 'больше 30 % ядра полчаса подряд, или цикл событий опаздывает больше чем на секунду, и блокировки заданий могут истечь.',
    },
    look: {
      en: '`taskiq_tasks_in_progress` and `taskiq_task_duration_seconds`: which task it is. Other containers on the machine.',
      ru: '`taskiq_tasks_in_progress` и `taskiq_task_duration_seconds`: какая это задача. Другие контейнеры на машине.',
    },
    act: {
      en: 'with a bulk operation, export or broadcast under way: wait. Else more processor time or more workers; a task that blocks is a bug to report.',
      ru: 'если идёт массовая операция, выгрузка или рассылка — подождите. Иначе больше процессора или больше воркеров; задача, которая блокирует процесс, — это ошибка.',
    },
    rules: {
      WorkerCpuHigh: {
        summary: 'Воркер {instance} загружен больше обычной работы',
        description: 'Больше получаса: {value} ядра.',
        action: 'Посмотрите, какие задачи выполняются; массовая операция или выгрузка закончится сама.',
      },
      WorkerBlocked: {
        summary: 'Воркер {instance} не успевает за своей работой',
        description:
          'Его цикл событий опаздывает на {value}. Блокировки заданий могут истечь, и задания выполнятся дважды.',
        action: 'Дайте ему больше процессора; посмотрите, какая задача идёт в это время.',
      },
    },
  },
  TaskErrorsAbovePromise: {
    means: {
      en: 'over 0.5 % of the jobs of an hour, or over 5 % of those of 15 minutes, failed permanently; or one task has only failed.',
      ru: 'больше 0,5 % заданий за час или больше 5 % за 15 минут окончательно не удались; или одна задача только падает.',
    },
    look: {
      en: '`sum by (task_name, error_type) (increase(taskiq_task_errors_total[1h]))`; `task-worker dead-letters`. One code in many tasks is a dependency; many codes in one task is that task.',
      ru: '`sum by (task_name, error_type) (increase(taskiq_task_errors_total[1h]))`; `task-worker dead-letters`. Один код во многих задачах — внешний сервис; много кодов в одной задаче — сама задача.',
    },
    act: {
      en: 'mend the dependency, or go back to the release before. Then `task-worker dead-letters replay --all`.',
      ru: 'почините внешний сервис или вернитесь к предыдущему выпуску. Затем `task-worker dead-letters replay --all`.',
    },
    rules: {
      TaskErrorsAbovePromise: {
        summary: 'Неудач больше, чем обещано',
        description: 'За последний час окончательно не удалось: {value}; допустимо 0,5 %.',
        action:
          'Посмотрите taskiq_task_errors_total по задаче и коду, устраните причину, повторите неудавшиеся задания.',
      },
      TaskErrorsSurge: {
        summary: 'Многие задачи не удаются',
        description: 'За последние 15 минут окончательно не удалось: {value}.',
        action:
          'Один код во многих задачах — внешний сервис; много кодов в одной — сама задача. После выпуска вернитесь к предыдущему.',
      },
      TaskNeverSucceeds: {
        summary: 'Задача {task_name} только падает',
        description: 'За час ни одно её задание не закончилось хорошо, и есть окончательные неудачи.',
        action: 'Посмотрите её ошибки среди неудавшихся заданий и в журнале.',
      },
      HighTaskErrorRate: {
        summary: 'Многие задачи не удаются',
        description: 'За последние пять минут окончательно не удалось: {value}.',
        action:
          'Посмотрите taskiq_task_errors_total по задаче и коду, устраните причину, повторите неудавшиеся задания.',
      },
    },
  },
  TaskStuck: {
    means: {
      en: 'a run goes on for longer than its time limit and five minutes, an hour where it has no limit. Its signal has fired and it does not listen, or it waits forever.',
      ru: 'запуск идёт дольше своего лимита и ещё пяти минут, а без лимита — дольше часа. Сигнал подан, а он не слушает или ждёт вечно.',
    },
    look: {
      en: '`cybervpn_task_longest_run_seconds`; the log by task for a start without an end.',
      ru: '`cybervpn_task_longest_run_seconds`; журнал по задаче: начало без конца.',
    },
    act: {
      en: 'restart that worker: SIGTERM hands the job back, and another goes on from where it was. Report which task it is.',
      ru: 'перезапустите этот воркер: по SIGTERM он вернёт задание, и другой продолжит с того же места. Сообщите, какая это задача.',
    },
    more: {
      en: 'Most of what hangs ends by itself before that. A run that was told to end (cancelled, its lock lost) and goes on for another 60 s is given up, and so is work without a time limit of which nothing moves for 60 s: no row, no user, no answer, and no work of PostgreSQL on its statement. Its place is free at once; the log has an error, the admins an alert [task failed](/runbooks/task_failed), and `cybervpn_tasks_given_up_total{task_name,why}` counts it, `deaf` or `silent`. An upload to a bucket moves with every 64 KB that leave, however slow the line is; one that takes nothing for 15 s fails and is tried again twice. The job can be replayed.',
      ru: 'Большинство зависших заканчивается само ещё раньше. Запуск, которому сказано закончить (отменён, потерял блокировку) и который идёт ещё 60 с, бросают; так же и работу без лимита, в которой 60 с ничего не движется: ни строки, ни пользователя, ни ответа, и PostgreSQL не работает над её запросом. Место освобождается сразу; в журнале ошибка, админам оповещение [задача не выполнена](/runbooks/task_failed), а `cybervpn_tasks_given_up_total{task_name,why}` считает: `deaf` или `silent`. Загрузка в хранилище движется с каждыми 64 КБ, как бы ни была медленна линия; та, что 15 с не берёт ничего, не удаётся и пробуется ещё дважды. Задание можно повторить.',
    },
    rules: {
      TaskStuck: {
        summary: 'Задача {task_name} зависла',
        description: 'Её запусков идёт дольше, чем можно: {value}.',
        action:
          'Найдите запуск в журнале по задаче; остановите воркер, который его выполняет: другой продолжит с того же места.',
      },
    },
  },
  QueueStuck: {
    means: {
      en: 'jobs wait in a queue and for five minutes none of it has ended.',
      ru: 'в очереди ждут задания, и пять минут ни одно не закончилось.',
    },
    look: {
      en: '`/health/ready` of the workers; what runs in that queue; `DISABLED_TASKS`; whether the queue was paused at `/queues`.',
      ru: '`/health/ready` воркеров; что выполняется в этой очереди; `DISABLED_TASKS`; не приостановлена ли очередь на `/queues`.',
    },
    act: {
      en: 'resume the queue; restart the worker whose runs hold all places.',
      ru: 'возобновите очередь; перезапустите воркер, запуски которого заняли все места.',
    },
    rules: {
      QueueStuck: {
        summary: 'Очередь {queue} не разбирается',
        description: 'Заданий ждёт: {value}, и за пять минут не закончилось ни одно.',
        action: 'Посмотрите, что держит её места (taskiq_tasks_in_progress), отвечают ли воркеры и Redis.',
      },
      NoTasksProcessed: {
        summary: 'Десять минут не закончилась ни одна задача',
        description: 'Некоторые должны идти каждые полминуты.',
        action: 'Проверьте, работает ли планировщик, затем готовность воркера.',
      },
    },
  },
  WorkersTooSlow: {
    means: {
      en: 'over 100 jobs wait while fewer than 100 a minute get done, or one in twenty starts more than 30 s late.',
      ru: 'больше 100 заданий ждут, а в минуту выполняется меньше 100, или каждое двадцатое начинается с опозданием больше 30 с.',
    },
    look: {
      en: 'durations by task: a slow dependency holds the places. Only then is it too little capacity.',
      ru: 'длительности по задачам: места держит медленный внешний сервис. Только потом — нехватка мощности.',
    },
    act: {
      en: 'more workers (they only share Redis and PostgreSQL) or a higher `TASK_CONCURRENCY`.',
      ru: 'больше воркеров (общие у них только Redis и PostgreSQL) или больший `TASK_CONCURRENCY`.',
    },
    rules: {
      WorkersTooSlow: {
        summary: 'Задания ждут, а в минуту выполняется меньше 100',
        description: 'Заданий ждёт: {value}.',
        action: 'Сначала найдите медленный внешний сервис, затем добавьте воркеров или поднимите TASK_CONCURRENCY.',
      },
      TasksStartLate: {
        summary: 'Задачи начинаются поздно',
        description: 'Каждая двадцатая ждёт дольше {value} после своего срока.',
        action: 'Добавьте воркеров или поднимите TASK_CONCURRENCY; посмотрите, какая задача держит места.',
      },
    },
  },
  HighTaskDuration: {
    means: {
      en: 'of a task with a time limit, one run in twenty takes longer than the rule allows.',
      ru: 'каждый двадцатый запуск задачи с лимитом времени длится дольше, чем допускает правило.',
    },
    look: {
      en: '`cybervpn_external_request_duration_seconds`: which service is slow; the database.',
      ru: '`cybervpn_external_request_duration_seconds`: какой сервис медленный; база данных.',
    },
    act: {
      en: 'mend what is slow. A run that goes past its time limit ends by itself and is tried again.',
      ru: 'почините то, что медленно. Запуск, вышедший за лимит, закончится сам и повторится.',
    },
    rules: {
      HighTaskDuration: {
        summary: 'Задача {task_name} медленная',
        description: 'Каждый двадцатый запуск длится дольше {value}.',
        action: 'Посмотрите cybervpn_external_request_duration_seconds и базу данных.',
      },
    },
  },
  DeadLetters: {
    means: {
      en: 'jobs ran out of retries or messages could not be understood, newly within 15 minutes.',
      ru: 'за последние 15 минут задания израсходовали попытки или пришли сообщения, которые нельзя понять.',
    },
    look: {
      en: "[failed jobs](/jobs, operations.md#day-to-day), also `task-worker dead-letters`: reason and payload of each. `unknown_task` and `payload_invalid` are a producer's mistake or an older worker.",
      ru: '[неудавшиеся задания](/jobs, operations.md#day-to-day), они же `task-worker dead-letters`: причина и данные каждого. `unknown_task` и `payload_invalid` — ошибка производителя или более старый воркер.',
    },
    act: {
      en: 'mend the cause, then replay. Tasks that this worker does not know, or that `DISABLED_TASKS` switches off, can be forwarded to another: `TASKIQ_FORWARD_STREAM`. Without it their messages are kept here, `unknown_task` and `task_disabled`.',
      ru: 'устраните причину, затем повторите. Задачи, которых этот воркер не знает или которые выключает `DISABLED_TASKS`, можно пересылать другому: `TASKIQ_FORWARD_STREAM`. Без него их сообщения хранятся здесь как `unknown_task` и `task_disabled`.',
    },
    rules: {
      DeadLetters: {
        summary: 'Новые неудавшиеся задания ({kind})',
        description:
          'За четверть часа прибавилось: {value}. Это задания без оставшихся попыток или сообщения, которые нельзя понять.',
        action: 'Откройте их список с причинами; устраните причину и повторите.',
      },
    },
  },
});
