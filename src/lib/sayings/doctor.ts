import type { Sayings } from './sayings.ts';

/** What stands in lists of the doctor's findings. */
export const ELEMENT_SAYINGS: Sayings = {
  '{} (last success {})': '{} (последний успех: {})',
  '{} (by {} since {})': '{=} (кто: {=}, с {})',
  '{} (by {} since {} and lost where Redis is emptied)': '{=} (кто: {=}, с {}; пропадёт, если Redis опустеет)',
  '{} (here {})': '{=} (здесь {})',
  '{} on {}': '{} на {}',
};

/** What the doctor finds, and what it advises. */
export const DOCTOR_SAYINGS: Sayings = {
  // Groups and names.
  Configuration: 'Настройка',
  Environment: 'Переменные окружения',
  Tasks: 'Задачи',
  API: 'API',
  Clock: 'Часы',
  Exports: 'Выгрузки',
  Storage: 'Хранилище',
  'Half-written exports': 'Недописанные выгрузки',
  'Disk space': 'Место на диске',
  'Outside services': 'Внешние сервисы',
  "Staff's bot": 'Бот сотрудников',
  Admins: 'Администраторы',
  'Remnawave token': 'Токен Remnawave',
  'Panel events': 'События панели',
  'Payments completed by the backend': 'Платежи, завершённые бэкендом',
  Backend: 'Бэкенд',
  'Second way of alerts': 'Второй путь оповещений',
  'E-mail': 'Почта',
  'E-mail, repeats': 'Почта, повторы',
  Traces: 'Трассировка',
  Server: 'Сервер',
  Limits: 'Пределы времени',
  Connections: 'Соединения',
  Tables: 'Таблицы',
  Privileges: 'Права',
  History: 'История',
  Writing: 'Запись',
  Rights: 'Права',
  'When it is full': 'Когда память кончится',
  Memory: 'Память',
  Persistence: 'Сохранность',
  'Beside a Python worker': 'Рядом с воркером на Python',
  Work: 'Работа',
  Processes: 'Процессы',
  Schedules: 'Расписания',
  'On time': 'Вовремя',
  Paused: 'На паузе',
  Intake: 'Приём',
  'Dead letters': 'Неудавшиеся навсегда',
  Brakes: 'Тормоза',

  // Counts inside of sentences.
  '{} token': 'токенов: {}',
  '{} tokens': 'токенов: {}',
  '{} process': 'процессов: {}',
  '{} processes': 'процессов: {}',
  '{} host': 'хостов: {}',
  '{} hosts': 'хостов: {}',
  '{} job': 'заданий: {}',
  '{} jobs': 'заданий: {}',
  '{} message': 'сообщений: {}',
  '{} messages': 'сообщений: {}',
  '{} second': '{} с',
  '{} seconds': '{} с',
  '{} replica': 'реплик: {}',
  '{} replicas': 'реплик: {}',
  '{} master': 'мастеров: {}',
  '{} masters': 'мастеров: {}',
  '{} sentinel': 'sentinel: {}',
  '{} sentinels': 'sentinel: {}',
  '{} on {}': '{}, {}',

  // Everywhere.
  'not known until {} is mended': 'неизвестно, пока не исправлено: {}',
  'see the line above': 'смотрите строку выше',
  'no answer within {} s': 'нет ответа в течение {} с',
  'is it up, not too busy, and can it be reached from here? If so, {}':
    'работает ли, не перегружено ли и доступно ли отсюда? Если да: {}',
  'no answer within {} ms': 'нет ответа в течение {} мс',
  '{} {}: no answer within {} ms': '{} {}: нет ответа в течение {} мс',
  none: 'нет',

  // Clocks.
  'mend {} first, then look again': 'сначала исправьте {}, затем проверьте снова',
  agrees: 'совпадают',
  'this machine is {} ahead': 'часы этой машины спешат на {}',
  'this machine is {} behind': 'часы этой машины отстают на {}',
  'synchronise the clocks of both machines (NTP); schedules and the dates in messages go by them':
    'синхронизируйте часы обеих машин (NTP): по ним идут расписания и даты в сообщениях',
  '{} s': '{} с',
  '{} min': '{} мин',
  '{} h': '{} ч',

  // Configuration.
  'see docs/configuration.md': 'смотрите docs/configuration.md',
  valid: 'в порядке',
  'nothing here reads {}': 'никто не читает {}',
  '{} (did you mean {}?)': '{} (может быть, {}?)',
  'correct the names, or remove them': 'исправьте имена или уберите их',
  '{}, none is switched off': '{}, ни одна не выключена',
  '{}, of which DISABLED_TASKS switches off {}': '{}, из них DISABLED_TASKS выключает {}',
  'off, as is the console: API_TOKENS is not set': 'выключено, как и консоль: не задано API_TOKENS',
  'on, with {}; PUBLIC_URL is not set, so exports come without a link':
    'включено, {}; PUBLIC_URL не задан, поэтому выгрузки приходят без ссылки',
  'set PUBLIC_URL to where people reach this service': 'задайте в PUBLIC_URL адрес, по которому открывают этот сервис',
  'on, with {}': 'включено, {}',

  // Files.
  'let user {} write to EXPORT_DIR, name another folder, or set S3_BUCKET':
    'дайте пользователю {} право писать в EXPORT_DIR, укажите другую папку или задайте S3_BUCKET',
  'check {}: objects must be put, read and deleted under S3_PREFIX':
    'проверьте {}: объекты под S3_PREFIX должны записываться, читаться и удаляться',
  '{} can be written to': 'запись возможна: {}',
  'check {}': 'проверьте {}',
  'S3_BUCKET, S3_ENDPOINT and the keys': 'S3_BUCKET, S3_ENDPOINT и ключи',
  'what interrupted uploads leave behind can be found and removed': 'остатки прерванных загрузок можно найти и удалить',
  'grant it, or let a lifecycle rule of the bucket remove unfinished multipart uploads; everything else is cleaned up':
    'дайте это право или пусть незавершённые загрузки удаляет правило бакета; всё остальное убирается',
  'check EXPORT_DIR': 'проверьте EXPORT_DIR',
  '{} GB free at {}': 'свободно {} ГБ: {}',
  'make room, lower EXPORT_TTL_HOURS, or name a folder on another disk in EXPORT_DIR':
    'освободите место, уменьшите EXPORT_TTL_HOURS или укажите в EXPORT_DIR папку на другом диске',

  // Outside services.
  'check TELEGRAM_BOT_TOKEN with @BotFather, and that TELEGRAM_API_URL can be reached':
    'проверьте TELEGRAM_BOT_TOKEN у @BotFather и доступность TELEGRAM_API_URL',
  'bot @{}': 'бот @{}',
  'check ADMIN_BOT_TOKEN with @BotFather: it must be of another bot than TELEGRAM_BOT_TOKEN':
    'проверьте ADMIN_BOT_TOKEN у @BotFather: это должен быть другой бот, чем TELEGRAM_BOT_TOKEN',
  "not configured: alerts come by the shop's bot, with links in place of buttons":
    'не настроен: оповещения приходят от бота магазина, со ссылками вместо кнопок',
  "@{} is the shop's bot too": '@{} — это и бот магазина',
  'make a second bot with @BotFather': 'создайте второго бота у @BotFather',
  "bot @{} cannot write to {}: the shop's bot does, without buttons":
    'бот @{} не может писать {}: вместо него пишет бот магазина, без кнопок',
  'they must open a chat with @{} and press Start': 'им нужно открыть чат с @{} и нажать «Старт»',
  'each admin must have written to the bot once': 'каждый администратор должен хотя бы раз написать боту',
  '{} get alerts and reports': 'получают оповещения и отчёты: {}',
  '{} of {} cannot be reached by the bot': 'бот не может написать: {} (всего {})',
  'they must open a chat with the bot and unblock it; or take them out of ADMIN_TELEGRAM_IDS':
    'им нужно открыть чат с ботом и разблокировать его; или уберите их из ADMIN_TELEGRAM_IDS',
  'check REMNAWAVE_URL and REMNAWAVE_API_TOKEN; the panel must be 2.7 or 3.x':
    'проверьте REMNAWAVE_URL и REMNAWAVE_API_TOKEN; панель должна быть 2.7 или 3.x',
  'panel {}, spoken to as {}.x': 'панель {}, работаем с ней как с {}.x',
  'check REMNAWAVE_API_TOKEN; it must be an API token of this panel':
    'проверьте REMNAWAVE_API_TOKEN: это должен быть API-токен этой панели',
  'may do what the worker does': 'можно всё, что делает воркер',
  'the API token lacks {} {}': 'API-токену не хватает: {1}',
  'was it revoked? Else make a token in the panel (Settings, API tokens) with all of {}, because the scopes of a token cannot be changed, and set REMNAWAVE_API_TOKEN':
    'может быть, он отозван? Если нет, создайте в панели (настройки, API-токены) токен с правами {}, так как права готового токена не меняются, и задайте REMNAWAVE_API_TOKEN',
  'is webhook_logs there? task-worker schema check says so':
    'есть ли webhook_logs? Это скажет task-worker schema check',
  'check CRYPTOBOT_TOKEN in @CryptoBot, and that it is of the network of CRYPTOBOT_API_URL':
    'проверьте CRYPTOBOT_TOKEN в @CryptoBot и что он от той же сети, что CRYPTOBOT_API_URL',
  'app {}': 'приложение {}',
  'set COMPLETED_BY_BACKEND to extend, ask or leave': 'задайте COMPLETED_BY_BACKEND: extend, ask или leave',
  'COMPLETED_BY_BACKEND={}: {}': 'COMPLETED_BY_BACKEND={}: {}',
  'bought days are given where the panel shows that nobody has given them, else a person is asked':
    'купленные дни выдаются, если панель показывает, что их никто не выдал, иначе спрашивается человек',
  'a person is asked about each of them': 'о каждом спрашивается человек',
  'their days are left to the backend, which does not move the end of a panel user that is there':
    'их дни оставлены бэкенду, который не сдвигает срок существующего пользователя панели',
  'check BACKEND_API_URL: it is the address of the backend without any path':
    'проверьте BACKEND_API_URL: это адрес бэкенда без пути',
  'not configured: payments are completed in the tables, without its commissions and wallets':
    'не настроен: платежи завершаются в таблицах, без его комиссий и кошельков',
  'its webhook route is there': 'его адрес для вебхука отвечает',
  'check host and port in ALERT_WEBHOOK_URL': 'проверьте хост и порт в ALERT_WEBHOOK_URL',
  'e-mail to {} address(es)': 'почта, адресов: {}',
  'not configured: while Telegram is down, nobody hears of anything':
    'не настроен: пока Telegram недоступен, никто ни о чём не узнает',
  'set ALERT_EMAILS or ALERT_WEBHOOK_URL': 'задайте ALERT_EMAILS или ALERT_WEBHOOK_URL',
  'its webhook answers; nothing was posted': 'его вебхук отвечает; ничего не отправлялось',
  'its webhook answers; nothing was posted, {}': 'его вебхук отвечает; ничего не отправлялось; {}',
  'check host, user and password in {}': 'проверьте хост, логин и пароль в {}',
  'not configured: repeats go by the same server': 'не настроена: повторы идут через тот же сервер',
  'not configured: the e-mail tasks fail, and say so to their producers':
    'не настроена: почтовые задачи завершаются ошибкой и сообщают о ней отправителям',
  'answers, but does not encrypt: logins and codes go to it in clear, as SMTP_ALLOW_CLEARTEXT allows':
    'отвечает, но не шифрует: логины и коды идут открыто, как разрешает SMTP_ALLOW_CLEARTEXT',
  'use smtps:// or a server with STARTTLS, and take SMTP_ALLOW_CLEARTEXT out':
    'используйте smtps:// или сервер со STARTTLS и уберите SMTP_ALLOW_CLEARTEXT',
  'takes our login': 'принимает наш логин',
  'takes our login, but {} is not set': 'принимает наш логин, но не задано {}',
  'set {}': 'задайте {}',
  'EMAIL_FROM and MAGIC_LINK_BASE_URL': 'EMAIL_FROM и MAGIC_LINK_BASE_URL',
  'check OTEL_EXPORTER_OTLP_ENDPOINT; without a collector traces are lost, and nothing else':
    'проверьте OTEL_EXPORTER_OTLP_ENDPOINT; без коллектора теряются только трассы',
  'not configured: off': 'не настроена: выключена',
  'the collector answers': 'коллектор отвечает',
  'the collector does not answer ({})': 'коллектор не отвечает ({})',
  'check OTEL_EXPORTER_OTLP_ENDPOINT; only traces are lost':
    'проверьте OTEL_EXPORTER_OTLP_ENDPOINT; теряются только трассы',

  // Events of the panel.
  'off: REMNAWAVE_WEBHOOK_SECRET is not set; the panel is looked at by the schedules':
    'выключены: не задан REMNAWAVE_WEBHOOK_SECRET; панель проверяется по расписаниям',
  'the panel sends events, the last to the backend at {}, and this worker takes none: REMNAWAVE_WEBHOOK_SECRET is not set':
    'панель шлёт события, последнее ушло бэкенду {}, а этот воркер их не принимает: не задан REMNAWAVE_WEBHOOK_SECRET',
  "set it to the panel's WEBHOOK_SECRET_HEADER, and {}": 'задайте в нём WEBHOOK_SECRET_HEADER панели и {}',
  "set WEBHOOK_ENABLED=true, WEBHOOK_URL to this service's /webhooks/remnawave (beside others, with a comma) and WEBHOOK_SECRET_HEADER to the value of REMNAWAVE_WEBHOOK_SECRET in the panel":
    'задайте в панели WEBHOOK_ENABLED=true, в WEBHOOK_URL — /webhooks/remnawave этого сервиса (рядом с другими, через запятую), в WEBHOOK_SECRET_HEADER — значение REMNAWAVE_WEBHOOK_SECRET',
  'arrive, the last at {}': 'приходят, последнее {}',
  'events are refused, the last at {}: their signature is not made with REMNAWAVE_WEBHOOK_SECRET':
    'события отклоняются, последнее {}: их подпись сделана не с REMNAWAVE_WEBHOOK_SECRET',
  "give it the value of the panel's WEBHOOK_SECRET_HEADER; a proxy before this service must pass bodies on as they are":
    'задайте в нём значение WEBHOOK_SECRET_HEADER панели; прокси перед сервисом должен передавать тела без изменений',
  'none has arrived since {}': 'ни одного с {}',
  'none has arrived in the last 7 days': 'ни одного за последние 7 дней',
  '{}; until then the schedules find everything, later': '{}; до тех пор всё находят расписания, но позже',

  // PostgreSQL.
  'is it up, and are host, database, user, password and certificates of DATABASE_URL right?':
    'работает ли он, и верны ли хост, база, логин, пароль и сертификаты в DATABASE_URL?',
  'a statement ends after {}, a transaction that stands idle after {}':
    'запрос прерывается через {}, простаивающая транзакция — через {}',
  'no time': 'нисколько',
  'every table, column and index that queries need is there': 'все нужные запросам таблицы, столбцы и индексы на месте',
  "run the backend's migrations; task-worker schema check says all":
    'выполните миграции бэкенда; всё покажет task-worker schema check',
  'The table {} is missing; what needs it is skipped': 'Таблицы {} нет; то, чему она нужна, пропускается',
  "The table {} is missing; run the backend's migrations, or check the database name":
    'Таблицы {} нет; выполните миграции бэкенда или проверьте имя базы',
  '{} is missing; it must be {}': '{}: столбца нет; его тип {}',
  '{} is {}, but queries expect {}': '{}: тип {}, а запросы ожидают {}',
  '{} may be null, which queries do not expect': '{} может быть пустым, запросы этого не ожидают',
  '{} has neither null nor a default any more, so inserts that leave it out fail':
    '{} больше не бывает пустым и без значения по умолчанию, поэтому вставки без него не проходят',
  '{} is not null any more, so inserts that say null there fail':
    '{} больше не бывает пустым, поэтому вставки с пустым значением не проходят',
  "{} is new, not null and without a default, so the worker's inserts fail; give it a default":
    '{} — новый обязательный столбец без значения по умолчанию, вставки воркера не проходят; задайте значение по умолчанию',
  '{} has no index that begins with ({}), which a frequent query needs':
    'у {} нет индекса, который начинается с ({}): он нужен частому запросу',
  '{}; and {} more': '{}; и ещё {}',
  'the role may do on each table what the worker does': 'роль может с каждой таблицей всё, что делает воркер',
  'the role lacks: {}': 'роли не хватает: {}',
  '{} is too old': '{} слишком старый',
  'upgrade to PostgreSQL {} or newer': 'обновите до PostgreSQL {} или новее',
  '{} takes no writes: a standby, or read-only': '{} не принимает запись: это реплика или режим «только чтение»',
  'name the primary in DATABASE_URL': 'укажите в DATABASE_URL основной сервер',
  '{}: the database is in {}, which cannot hold every message':
    '{}: кодировка базы {}, в ней можно сохранить не каждое сообщение',
  'use a database with encoding UTF8': 'используйте базу в кодировке UTF8',
  'not kept; task-worker schema install keeps it': 'не хранится; её включает task-worker schema install',
  'not kept: the schema task_worker lacks {}': 'не хранится: схеме task_worker не хватает {}',
  'task-worker schema install': 'task-worker schema install',
  'not kept: the role lacks rights in the schema task_worker': 'не хранится: роли не хватает прав в схеме task_worker',
  'kept for {} days, in a schema that a newer version has made':
    'хранится {} дн., в схеме, которую сделала более новая версия',
  'kept for {} days{}': 'хранится {} дн.{}',
  '{}: a pooler keeps the limits of the worker from the server': '{}: пулер не передаёт серверу пределы воркера',
  "give them to the role: ALTER ROLE {} SET statement_timeout = '{}'; ALTER ROLE {} SET idle_in_transaction_session_timeout = '{}'; ALTER ROLE {} SET jit = off; then RECONNECT in the pooler":
    "задайте их роли: ALTER ROLE {} SET statement_timeout = '{}'; ALTER ROLE {} SET idle_in_transaction_session_timeout = '{}'; ALTER ROLE {} SET jit = off; затем RECONNECT в пулере",
  '{} of {} in use; one worker and one scheduler open up to {}':
    'занято {} из {}; один воркер и один планировщик открывают до {}',
  'lower DB_POOL_SIZE ({}) or WORKER_CONCURRENCY, raise max_connections, or put a pooler between':
    'уменьшите DB_POOL_SIZE ({}) или WORKER_CONCURRENCY, увеличьте max_connections или поставьте пулер',

  // Redis.
  'is it up, and does REDIS_URL lead to it? A firewall, a password or a certificate may be in the way':
    'работает ли он, и ведёт ли к нему REDIS_URL? Мешать могут файрвол, пароль или сертификат',
  'a key can be set': 'ключ записывается',
  'see docs/security.md, "The rights of the Redis user"':
    'смотрите docs/security.md, раздел о правах пользователя Redis',
  'what it works on is left to it': 'его работа остаётся за ним',
  'none reads our stream': 'наш поток никто из них не читает',
  'one reads our stream, or did minutes ago; before Redis 7.2 what it has worked on for {} runs a second time here':
    'он читает наш поток или читал только что; до Redis 7.2 то, над чем он работает дольше {}, выполняется здесь второй раз',
  'upgrade to Redis 7.2 or Valkey, or set TASKIQ_TAKEOVER_SECONDS above its longest task until it is gone; docs/migration.md, "Before Redis 7.2"':
    'обновите до Redis 7.2 или Valkey, или пока он есть, задайте TASKIQ_TAKEOVER_SECONDS больше его самой долгой задачи; смотрите docs/migration.md',
  'user {} may not {}': 'пользователю {} нельзя: {}',
  '{}; all that it needs: {}': '{}; всё, что ему нужно: {}',
  'user {} may do what the worker does': 'пользователь {} может всё, что делает воркер',
  'not known: this user may not ask for INFO; the worker does without':
    'неизвестно: этому пользователю нельзя INFO; воркер обходится без него',
  'ACL SETUSER {} +info': 'ACL SETUSER {} +info',
  'upgrade to Redis {}, or to any Valkey': 'обновите до Redis {} или любого Valkey',
  '{} is a replica, which takes no writes': '{} — реплика, она не принимает запись',
  'name its master in REDIS_URL, or its sentinels with redis+sentinel://':
    'укажите в REDIS_URL её мастер или sentinel: redis+sentinel://',
  '{}: nobody takes over from a master that dies': '{}: умерший мастер никто не заменит',
  'give every master a replica; until it is back, part of the work or all of it stands still':
    'дайте каждому мастеру реплику; без неё часть работы или вся она стоит, пока мастер не вернётся',
  '{}, one server': '{}, один сервер',
  '{}, one server{}': '{}, один сервер{}',
  'noeviction: it refuses writes and drops nothing': 'noeviction: запись отклоняется, ничего не выбрасывается',
  'maxmemory-policy is {}: Redis may drop jobs when it is full':
    'maxmemory-policy — {}: когда память кончится, Redis может выбросить задания',
  'set maxmemory-policy to noeviction, in redis.conf and with CONFIG SET':
    'задайте maxmemory-policy noeviction в redis.conf и через CONFIG SET',
  '{} used, no limit of its own': 'занято {}, своего предела нет',
  '{} of {} used ({} %)': 'занято {} из {} ({} %)',
  '{} MB': '{} МБ',
  'raise maxmemory (256 MB is a good start), or look at what fills it: task-worker tasks, dead-letters':
    'увеличьте maxmemory (для начала хватит 256 МБ) или посмотрите, чем он заполнен: task-worker tasks, dead-letters',
  'the last write to its disk failed': 'последняя запись на его диск не удалась',
  'is the disk of Redis full or read-only? Its log has the reason':
    'диск Redis полон или доступен только для чтения? Причина в его журнале',
  'append-only file is on': 'журнал AOF включён',
  'append-only file is off: a restart of Redis loses queued jobs; payments and notifications are found again in PostgreSQL':
    'журнал AOF выключен: перезапуск Redis теряет задания в очереди; платежи и уведомления находятся снова в PostgreSQL',
  'set appendonly to yes, in redis.conf and with CONFIG SET': 'задайте appendonly yes в redis.conf и через CONFIG SET',

  // Work.
  'look at the log of a worker': 'посмотрите журнал воркера',
  'what {} report cannot be read here': 'то, что сообщают {}, здесь нельзя прочесть',
  'give every process the same version': 'дайте всем процессам одну версию',
  'none has been seen in the last two minutes': 'за последние две минуты не видно ни одного',
  'start task-worker worker and task-worker scheduler': 'запустите task-worker worker и task-worker scheduler',
  'not known, as no schedule is registered': 'неизвестно: ни одно расписание не зарегистрировано',
  'start task-worker scheduler': 'запустите task-worker scheduler',
  '{} have succeeded in time': 'вовремя выполнены: {}',
  '{} have succeeded in time, {} are not due yet': 'вовремя выполнены: {}, ещё не пора: {}',
  '{} have succeeded in time{}': 'вовремя выполнены: {}{}',
  'overdue: {}': 'опаздывают: {}',
  never: 'никогда',
  'is a worker up? If so, its log has the error of each task; task-worker run <task> runs one here and now':
    'работает ли воркер? Если да, ошибка каждой задачи есть в его журнале; task-worker run <task> запускает одну прямо здесь',
  'no schedule is paused': 'ни одно расписание не на паузе',
  'task-worker schedules resume <task> lets it run again': 'снова включает task-worker schedules resume <task>',
  'switched off: TASKIQ_STREAM is empty': 'выключен: TASKIQ_STREAM пуст',
  'nobody has sent anything yet': 'пока никто ничего не присылал',
  'messages wait in {}, and the group {} has never read there': 'в {} ждут сообщения, а группа {} их никогда не читала',
  'start a worker: it makes the group and begins with the first message':
    'запустите воркер: он создаст группу и начнёт с первого сообщения',
  '{} unread, {} in hand': 'не прочитано {}, в работе {}',
  '{}, the oldest for {} min': '{}, самое старое — {} мин',
  'is a worker up? /health/ready of a worker says whether it reads the stream':
    'работает ли воркер? /health/ready воркера говорит, читает ли он поток',
  '{} and {} have failed for good': 'окончательно не удались: {}, {}',
  'task-worker dead-letters lists them with their reasons; replay what was mended':
    'их с причинами показывает task-worker dead-letters; повторите то, что исправлено',
  'nothing is held': 'ничего не удерживается',
  'held until an admin decides: {}': 'ждёт решения администратора: {}',
  'task-worker brake shows what each would do and how to decide':
    'что сделает каждый и как решить, показывает task-worker brake',
  'the scheduler that started last, {}, has schedules that this version cannot read':
    'у последнего запущенного планировщика, {}, расписания, которых эта версия не понимает',
  'give every scheduler the same version; restart the one whose schedules are to hold':
    'дайте всем планировщикам одну версию; перезапустите тот, чьи расписания должны действовать',
  'the scheduler that started last, {}, has others than this configuration: {}':
    'у последнего запущенного планировщика, {}, они не такие, как в этой конфигурации: {}',
  'give every scheduler the same SCHEDULE_ variables, DISABLED_TASKS and version; restart the one whose schedules are to hold':
    'дайте всем планировщикам одинаковые переменные SCHEDULE_, DISABLED_TASKS и версию; перезапустите тот, чьи расписания должны действовать',
  'none is registered in Redis': 'в Redis не зарегистрировано ни одного',
  'not registered: {}': 'не зарегистрированы: {}',
  'start task-worker scheduler of this version; it adds them within 20 s':
    'запустите task-worker scheduler этой версии; он добавит их за 20 с',
  'differ from this configuration: {}': 'отличаются от этой конфигурации: {}',
  'give the scheduler the same SCHEDULE_ variables and version':
    'дайте планировщику те же переменные SCHEDULE_ и ту же версию',
  'nobody takes the ticks of {}': 'никто не забирает запуски по расписанию: {}',
  'start a worker or a scheduler: either takes them': 'запустите воркер или планировщик: их забирает любой',
  'all {} are registered': 'зарегистрированы все: {}',
};
