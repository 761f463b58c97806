import { runbooks } from './runbook.ts';

/** What Prometheus tells of the services that the worker needs. */
export const RULES_OF_SERVICES = runbooks({
  BreakerOpen: {
    means: {
      en: 'calls of a service fail in a row (it is then asked only now and then), fail in part, or take longer than 5 s.',
      ru: 'вызовы сервиса не удаются подряд (тогда его спрашивают лишь изредка), не удаются частью или длятся больше 5 с.',
    },
    look: {
      en: '`cybervpn_external_requests_total` by status: 5xx is theirs, `timeout` and `error` the way there. For the panel 401 and 403 are a revoked token.',
      ru: '`cybervpn_external_requests_total` по статусу: 5xx — их сторона, `timeout` и `error` — дорога туда. У панели 401 и 403 — отозванный токен.',
    },
    act: {
      en: 'bring the service back; nothing has to be done here. What waited goes on within seconds.',
      ru: 'верните сервис; здесь делать ничего не нужно. Что ждало, продолжится за секунды.',
    },
    rules: {
      BreakerOpen: {
        summary: '{dependency} больше не вызывается',
        description:
          'После неудач подряд предохранитель открыт уже минуту. Кому сервис нужен, тот ждёт; ничего не теряется.',
        action: 'Верните сервис. Предохранитель закроется сам за две секунды после этого.',
      },
      ServiceFails: {
        summary: '{dependency} отвечает ошибками',
        description: 'Из вызовов последних пяти минут {value} получили ошибку сервера или остались без ответа.',
        action: 'Посмотрите на сам сервис и на сеть до него.',
      },
      ServiceSlow: {
        summary: '{dependency} отвечает медленно',
        description: 'Каждый двадцатый вызов длится дольше {value}.',
        action: 'Посмотрите на сам сервис; после 15 с вызовы бросаются.',
      },
      HighExternalAPIFailureRate: {
        summary: '{service} отвечает ошибками',
        description: 'Из вызовов последних пяти минут {value} получили 5xx.',
        action: 'Посмотрите на этот сервис. Задачи, которым он нужен, повторятся сами.',
      },
    },
  },
  BreakerStaysClosed: {
    means: {
      en: 'every call of the panel or of Telegram fails, and the worker goes on calling. Each of its processes has a breaker of its own, which five failures in a row open, so fifty should have opened one.',
      ru: 'все вызовы панели или Telegram не удаются, а воркер продолжает вызывать. У каждого его процесса свой предохранитель, который открывают пять неудач подряд, так что из пятидесяти один должен был открыться.',
    },
    look: {
      en: '`cybervpn_breaker_state` and `cybervpn_external_requests_total` of that worker; `WORKER_CONCURRENCY`: with more than 10 processes fifty failures may be too few for any of them.',
      ru: '`cybervpn_breaker_state` и `cybervpn_external_requests_total` этого воркера; `WORKER_CONCURRENCY`: больше 10 процессов — и пятидесяти неудач может не хватить ни одному.',
    },
    act: {
      en: 'bring the service back; nothing is lost meanwhile. With fewer processes than that it is a bug to report.',
      ru: 'верните сервис; за это время ничего не теряется. Если процессов меньше — это ошибка, о которой стоит сообщить.',
    },
    rules: {
      BreakerStaysClosed: {
        summary: '{dependency} не отвечает, а воркер {instance} продолжает вызывать',
        description:
          'За две минуты не удалось вызовов: {value}, удачных нет, а предохранитель не открылся; обещано 5 с.',
        action:
          'Верните сервис. Закрытый предохранитель — ошибка, о которой стоит сообщить, если WORKER_CONCURRENCY не больше 10.',
      },
    },
  },
  PanelLimitReached: {
    means: {
      en: 'one in twenty calls of the panel waits more than 10 s for one of the `REMNAWAVE_CONCURRENCY` places that all workers share.',
      ru: 'каждый двадцатый вызов панели ждёт больше 10 с одного из мест `REMNAWAVE_CONCURRENCY`, общих для всех воркеров.',
    },
    look: {
      en: "bulk operations under way; the panel's own answer time.",
      ru: 'идущие массовые операции; время ответа самой панели.',
    },
    act: {
      en: 'wait for the bulk operation. Raise the limit only where the panel has power to spare.',
      ru: 'дождитесь массовой операции. Поднимайте лимит, только если у панели есть запас.',
    },
    rules: {
      PanelLimitReached: {
        summary: 'Вызовы панели ждут своей очереди',
        description: 'Каждый двадцатый ждёт дольше {value}.',
        action:
          'Панель медленная или занята массовой операцией. Поднимайте REMNAWAVE_CONCURRENCY, только если у панели есть запас.',
      },
    },
  },
  IntakeBehind: {
    means: {
      en: "over 1000 entries of the Python producers' stream are unread, or one has been unacknowledged for five minutes. The backend's own health check looks at that stream.",
      ru: 'больше 1000 записей потока производителей на Python не прочитаны, или одна не подтверждена пять минут. На этот поток смотрит и проверка здоровья бэкенда.',
    },
    look: {
      en: '`intake` in `/health/ready`; `XINFO CONSUMERS taskiq taskiq`: who holds entries. A Python worker of the same group that is stuck gives its entries up after ten minutes.',
      ru: '`intake` в `/health/ready`; `XINFO CONSUMERS taskiq taskiq`: кто держит записи. Застрявший воркер на Python той же группы отдаст свои записи через десять минут.',
    },
    act: {
      en: 'start a worker with `TASKIQ_STREAM` set; stop the consumer that holds entries, ours claim them after a minute.',
      ru: 'запустите воркер с `TASKIQ_STREAM`; остановите потребителя, который держит записи: через минуту их заберут наши.',
    },
    rules: {
      IntakeBehind: {
        summary: 'Сообщения производителей на Python не забираются',
        description: '{value}: записей не прочитано или секунд не подтверждена самая старая.',
        action: 'Проверьте, запущен ли воркер с приёмом потока и не держит ли записи другой потребитель группы.',
      },
    },
  },
  RedisUnreachable: {
    means: {
      en: 'workers run and cannot read from Redis. No job starts.',
      ru: 'воркеры работают и не могут читать из Redis. Ни одно задание не начинается.',
    },
    look: {
      en: 'the Redis server, the network, `task-worker doctor`.',
      ru: 'сервер Redis, сеть, `task-worker doctor`.',
    },
    act: {
      en: 'bring it back; workers reconnect within two seconds. Were its data gone: schedules come back within a minute, messages and payments are found again in PostgreSQL.',
      ru: 'верните его; воркеры подключатся за две секунды. Если данные пропали: расписания вернутся за минуту, сообщения и платежи найдутся в PostgreSQL.',
    },
    rules: {
      RedisUnreachable: {
        summary: 'Воркеры не достают до Redis',
        description:
          'Ни одно задание не начинается. Ничего не теряется, если данные Redis вернутся; сообщения и платежи — в PostgreSQL.',
        action: 'Верните Redis; воркеры подключатся сами за две секунды.',
      },
      SchedulesUnknown: {
        summary: 'Неизвестно, идут ли расписания вовремя',
        description: 'Воркеры работают, но не могут прочитать это из Redis.',
        action: 'Проверьте, отвечает ли Redis.',
      },
      RedisConnectionFailing: {
        summary: 'Задачи не удаются, потому что не отвечает Redis',
        description: 'Они выполнятся снова, когда он вернётся.',
        action: 'Посмотрите на Redis.',
      },
    },
  },
  RedisMemoryHigh: {
    means: {
      en: 'Redis is over 80 % full, refuses writes, or throws keys away.',
      ru: 'Redis заполнен больше чем на 80 %, отказывает в записи или выбрасывает ключи.',
    },
    look: {
      en: '`INFO memory`, `maxmemory_policy` (must be `noeviction`), `redis-cli --bigkeys`; the length of queues and streams.',
      ru: '`INFO memory`, `maxmemory_policy` (должно быть `noeviction`), `redis-cli --bigkeys`; длина очередей и потоков.',
    },
    act: {
      en: '`CONFIG SET maxmemory` higher at once, then in its configuration; 256 MB are recommended. With another policy than `noeviction`: set it, and restart the schedulers.',
      ru: 'сразу `CONFIG SET maxmemory` побольше, затем в его настройках; рекомендуется 256 МБ. Если политика не `noeviction` — поставьте её и перезапустите планировщики.',
    },
    rules: {
      RedisMemoryHigh: {
        summary: 'Redis почти заполнен',
        description: 'Занято {value} от maxmemory. Когда заполнится, ничего нельзя будет поставить в очередь.',
        action: 'Поднимите maxmemory (рекомендуется 256 МБ); посмотрите, какая очередь или какой поток длинные.',
      },
      RedisFull: {
        summary: 'Redis отказывает в записи',
        description: 'У него кончилась память (OOM). Задания нельзя поставить в очередь.',
        action: 'Сразу поднимите maxmemory, затем найдите, чем он заполнен.',
      },
      RedisEvicts: {
        summary: 'Redis выбрасывает ключи',
        description: 'При любой политике, кроме noeviction, он забирает и задания с расписаниями.',
        action:
          'Поставьте maxmemory-policy noeviction, поднимите maxmemory и дайте планировщикам записать расписания снова (за минуту).',
      },
    },
  },
  DatabaseUnknown: {
    means: {
      en: 'workers reach Redis but cannot count `notification_queue`: PostgreSQL does not answer, or the table is missing.',
      ru: 'воркеры видят Redis, но не могут посчитать `notification_queue`: PostgreSQL не отвечает или таблицы нет.',
    },
    look: {
      en: '`task-worker doctor`, `task-worker schema check`.',
      ru: '`task-worker doctor`, `task-worker schema check`.',
    },
    act: {
      en: "bring PostgreSQL back; give the worker's role the right to read and write the table.",
      ru: 'верните PostgreSQL; дайте роли воркера право читать таблицу и писать в неё.',
    },
    rules: {
      DatabaseUnknown: {
        summary: 'Воркеры не могут прочитать notification_queue',
        description: 'PostgreSQL не отвечает, или таблицы нет.',
        action: 'Верните PostgreSQL; проверьте, что таблица есть и роль воркера её читает.',
      },
    },
  },
  PublicNetworkDpiPublisherStale: {
    means: {
      en: 'work that only the Python worker does, the public DPI snapshot or the setting up of partner bots, is late or fails.',
      ru: 'работа, которую делает только воркер на Python (публичный снимок DPI или настройка партнёрских ботов), опаздывает или не удаётся.',
    },
    look: {
      en: 'the Python worker, its scheduler and its log; `TASKIQ_FORWARD_STREAM` of this worker, which hands such messages on.',
      ru: 'воркер на Python, его планировщик и журнал; `TASKIQ_FORWARD_STREAM` этого воркера, который передаёт такие сообщения дальше.',
    },
    act: {
      en: 'start the Python worker or mend what its log names. This worker has no part in it.',
      ru: 'запустите воркер на Python или устраните то, что названо в его журнале. Этот воркер здесь ни при чём.',
    },
    rules: {
      PublicNetworkDpiPublisherStale: {
        summary: 'Публичный снимок DPI устарел',
        description: 'В последний раз его публиковали {value} назад.',
        action: 'Посмотрите на воркер на Python и его планировщик.',
      },
      PublicNetworkDpiPublisherDegraded: {
        summary: 'Публичный снимок DPI неполон',
        description: 'Так уже час.',
        action: 'Посмотрите на замеры, которые читает воркер на Python.',
      },
      PublicNetworkDpiPublisherFailures: {
        summary: 'Публичный снимок DPI не публикуется',
        description: 'Неудачных запусков подряд: {value}.',
        action: 'Посмотрите журнал воркера на Python.',
      },
      PartnerBotProvisioningTaskStale: {
        summary: 'Партнёрские боты больше не настраиваются',
        description: 'Последний раз задача завершилась успешно {value} назад.',
        action: 'Посмотрите на воркер на Python и его планировщик.',
      },
      PartnerBotProvisioningTaskErrors: {
        summary: 'Партнёрских ботов не удаётся настроить',
        description: 'Задача воркера на Python сообщает об ошибках.',
        action: 'Посмотрите его журнал.',
      },
    },
  },
});
