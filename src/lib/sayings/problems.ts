import type { Sayings } from './sayings.ts';

/** Problems of requests, and why a value does not fit. */
export const PROBLEM_SAYINGS: Sayings = {
  // Why a value does not fit: `issueInWords`.
  'is missing, {}': 'не хватает, {}',
  'must be `next` of the page before': 'ожидается `next` предыдущей страницы',
  'must be {}, not {}': 'ожидается {}, а не {}',
  'must be {}': 'ожидается {}',
  text: 'текст',
  'a number': 'число',
  'a whole number': 'целое число',
  'true or false': 'да или нет',
  'a list': 'список',
  'an object': 'объект',
  null: 'пусто',
  'one of {}': 'одно из: {}',
  'must be one of {}': 'ожидается одно из: {}',
  'must be at least {}': 'должно быть не меньше {}',
  'must be at most {}': 'должно быть не больше {}',
  'must be more than {}': 'должно быть больше {}',
  'must be less than {}': 'должно быть меньше {}',
  'must have at least {} character': 'знаков должно быть не меньше {}',
  'must have at least {} characters': 'знаков должно быть не меньше {}',
  'must have at most {} characters': 'знаков должно быть не больше {}',
  'must have at most {} character': 'знаков должно быть не больше {}',
  'must have at least {} entry': 'записей должно быть не меньше {}',
  'must have at least {} entries': 'записей должно быть не меньше {}',
  'must have at most {} entries': 'записей должно быть не больше {}',
  '{}, or {}': '{} или {}',
  'Invalid input': 'значение не подходит',
  'Invalid UUID': 'ожидается UUID',
  'Invalid GUID': 'ожидается UUID',
  'Invalid ISO date': 'ожидается дата в виде ГГГГ-ММ-ДД',
  'Invalid ISO datetime': 'ожидается время в виде ISO 8601',
  'Invalid option: expected one of {}': 'ожидается одно из: {}',
  'Invalid string: must match pattern {}': 'значение не подходит под вид {}',
  'Invalid input: expected {}, received {}': 'ожидается {}, а не {}',
  'Unrecognized key: {}': 'неизвестное поле: {}',
  'must be given, or raw_body with its signature': 'нужно указать его или raw_body с подписью',
  'must be a job id': 'ожидается id задания',
  'must begin before it ends': 'начало должно быть раньше конца',
  'has {} characters, at most {} are read; send a link instead':
    'знаков: {}, читается не больше {}; пришлите вместо текста ссылку',
  'needs {} of {} characters, at most {} are sent; it has {} characters that are seen':
    'не помещается: {} по {} знаков, отправляется не больше {}; видимых знаков: {}',
  'must not contain the character U+0000': 'не должно содержать знак U+0000',
  'must not contain half of a surrogate pair, which is no character':
    'не должно содержать половину суррогатной пары: это не знак',
  'has a name that {}': 'имя поля {}',
  'must be a JSON object': 'ожидается объект JSON',
  'is another name of `{}`; give one of them': 'это другое имя поля `{=}`; укажите одно из них',
  'must be a country code such as DE': 'ожидается код страны, например DE',
  'must begin with https://, t.me/ or tg://': 'должно начинаться с https://, t.me/ или tg://',
  'must be an export id': 'ожидается id выгрузки',
  'must be a UUID': 'ожидается UUID',
  'must be a uuid or a name': 'ожидается UUID или имя',
  'must be the uuid of a node': 'ожидается UUID узла',
  'must be the id of a broadcast, a UUID': 'ожидается id рассылки, UUID',
  'must be the id of a campaign, a UUID': 'ожидается id кампании, UUID',
  'must be the id of a payment, a UUID': 'ожидается id платежа, UUID',
  'must be the id of a message, a UUID': 'ожидается id сообщения, UUID',
  'must be a Telegram id in digits': 'ожидается Telegram id цифрами',
  'must be the fingerprint of a group': 'ожидается отпечаток группы ошибок',
  'must be a SHA-256 in hexadecimal digits': 'ожидается SHA-256 шестнадцатеричными цифрами',
  'must be 1 to 255 visible ASCII characters': 'ожидается от 1 до 255 видимых знаков ASCII',
  'must be 1 to {} characters of text without control characters':
    'ожидается от 1 до {} знаков текста без управляющих символов',
  'must be 1 to {} {}, separated by commas': 'ожидается от 1 до {} через запятую ({})',
  'The payload of {} does not fit: {}': 'Данные для {} не подходят: {}',
  '{}; {}': '{}; {}',
  '{}: {}': '{=}: {}',

  // What the audit trail keeps of a brake, and how it was answered.
  'would touch {} of {} users: {}': 'затронет {} из {} пользователей: {}',
  'would touch {} of {} user: {}': 'затронет {} из {} пользователя: {}',
  'too many at once': 'слишком много сразу',
  'the panel listed {} of about {}': 'панель показала {} из примерно {}',
  '{} notifications that are over {} late, the oldest due since {}':
    'старых уведомлений: {} (просрочены более чем на {}, самое раннее от {})',
  '{} notification that are over {} late, the oldest due since {}':
    'старых уведомлений: {} (просрочены более чем на {}, самое раннее от {})',
  '{} old notifications: {}': 'старых уведомлений: {}; {}',
  'they go out now': 'они уходят сейчас',
  dropped: 'отброшены',
  '{} does nothing of this for 24 hours': '{=} ничего из этого не делает 24 часа',
  '{} runs now for those of the {} lines shown who still qualify; the word holds for 24 hours':
    '{=} выполняется сейчас для тех из показанных строк ({}), к кому это ещё относится; решение действует 24 часа',
  '{} may touch {} of {} users and runs now; the word holds for 24 hours':
    '{=} может затронуть {} из {} пользователей и выполняется сейчас; решение действует 24 часа',

  // The caller.
  'Send the header `Authorization: Bearer <token>` with a token of API_TOKENS.':
    'Пришлите заголовок `Authorization: Bearer <token>` с токеном из API_TOKENS.',
  'Too many failed logins from this address.': 'Слишком много неудачных входов с этого адреса.',
  "More than {} requests of '{}' in a minute.": 'Больше {} запросов от «{}» за минуту.',
  "This needs the role {}, which {}; '{}' has the role {}. {}": 'Нужна роль {}; у «{2}» роль {3}.',
  'Too many wrong tokens from this address.': 'Слишком много неверных токенов с этого адреса.',
  'This token is not one of API_TOKENS.': 'Такого токена нет в API_TOKENS.',
  'A request with a session cookie must come from this page itself.':
    'Запрос с cookie сеанса должен приходить с самой этой страницы.',
  "There is no act '{}' in this view.": 'На этой странице нет действия «{}».',
  'This needs the role {}.': 'Нужна роль {}.',

  // Things that are not there.
  'There is no such alert.': 'Такого оповещения нет.',
  'There is no approval {}.': 'Запроса {} нет.',
  "Nothing is held under the name '{}'.": 'Под именем «{}» ничего не удерживается.',
  'There is no broadcast {}.': 'Рассылки {} нет.',
  'There is no picture {}.': 'Картинки {} нет.',
  'There is no campaign {}.': 'Кампании {} нет.',
  'There is no dead letter {}; it may have been replayed already.':
    'Неудавшегося задания {} нет; возможно, его уже повторили.',
  'There is no export {}; exports are kept for a limited time.':
    'Выгрузки {} нет; выгрузки хранятся ограниченное время.',
  'There is no job {}; results are kept for a limited time.': 'Задания {} нет; итоги хранятся ограниченное время.',
  'There is no job {}.': 'Задания {} нет.',
  'There is no message {}; sent and failed ones are kept for 7 days.':
    'Сообщения {} нет; отправленные и недоставленные хранятся 7 дней.',
  'Nothing is recorded of the progress of {}.': 'О ходе {} ничего не записано.',
  'The worker knows no node {}.': 'Узла {} воркер не знает.',
  'There is no maintenance window {}.': 'Окна обслуживания {} нет.',
  'There is no payment {}.': 'Платежа {} нет.',
  'There is no receipt {}; they are kept for HISTORY_DAYS.': 'Квитанции {} нет; они хранятся HISTORY_DAYS дней.',
  'There is no receipt {}.': 'Квитанции {} нет.',
  'No conditions are saved as {}.': 'Под именем {} не сохранено никаких условий.',
  '{} has no version {} in {}.': 'У {} нет версии {} на языке {}.',
  "The panel has no user with Telegram id or name '{}'.":
    'В панели нет пользователя с таким Telegram id или именем: «{}».',
  "There is no task named '{}'. Did you mean {}? `task-worker tasks` lists all.": 'Задачи «{}» нет. Может быть, {}?',
  "There is no task named '{}'. `task-worker tasks` lists all.": 'Задачи «{}» нет.',
  '{} is switched off by DISABLED_TASKS; remove it there and restart to use it.':
    '{} выключена в DISABLED_TASKS; чтобы включить, уберите её оттуда и перезапустите сервис.',
  'There is nothing at this address; /api/docs has all calls.':
    'По этому адресу ничего нет; все вызовы есть в /api/docs.',

  'History is not kept here. Run {} to keep it from then on; no restart is needed.':
    'История здесь не хранится. Выполните {}, и она будет храниться с этого момента; перезапуск не нужен.',
  'History is not kept until its schema is brought up to date. Run {}; no restart is needed.':
    'История не хранится, пока её схема не обновлена. Выполните {}; перезапуск не нужен.',
  "History is not kept, because the worker's database role lacks rights. Run {}: it says which to grant.":
    'История не хранится: роли базы данных, под которой работает воркер, не хватает прав. Выполните {}: команда скажет, какие выдать.',

  // Acts that are not possible now.
  '{} has no schedule; dispatch it with POST /api/v1/tasks/{}.':
    'У {} нет расписания; её запускает POST /api/v1/tasks/{}.',
  'decision: {}': 'решение: {}',
  'It is {}; what was sent can be deleted once it is over.':
    'Состояние: {}; отправленное можно удалить, когда всё закончится.',
  'It is {}, and only a draft can be changed.': 'Состояние: {}; изменить можно только черновик.',
  'at must be within {} days': 'время должно быть в пределах {} дней',
  'It was cancelled, and stays so.': 'Она отменена и такой останется.',
  'segment{}': 'условия{}',
  'texts.{} {}': 'тексты.{} {}',
  'text {}': 'текст {}',
  'This Idempotency-Key was used within the last day for a request whose record cannot be read. Send another key.':
    'Этот Idempotency-Key за последние сутки уже был у запроса, запись о котором не читается. Пришлите другой ключ.',
  'This Idempotency-Key was used within the last day for another task or payload.':
    'Этот Idempotency-Key за последние сутки уже был у другой задачи или других данных.',
  'This link is not right, or its time is over.': 'Ссылка неверна или её срок истёк.',
  'The file has {} bytes.': 'В файле {} байт.',
  'Reads of exports are recorded, and audit_logs takes no entry now; try again shortly.':
    'Чтение выгрузок записывается, а audit_logs сейчас не принимает записей; повторите чуть позже.',
  'Reads of receipts are recorded, and audit_logs takes no entry now; try again.':
    'Чтение квитанций записывается, а audit_logs сейчас не принимает записей; повторите чуть позже.',
  'Too many event streams are open at this worker.': 'У этого воркера открыто слишком много потоков событий.',
  'Job {} has ended already.': 'Задание {} уже закончилось.',
  'Nothing on this receipt can be undone, or all of it is undone.':
    'В этой квитанции нечего отменять, или всё уже отменено.',
  '{} is yet to come.': '{} ещё впереди.',
  'The filter finds more than {} jobs; narrow it, by time for example.':
    'Фильтр находит больше {} заданий; сузьте его, например по времени.',
  'The filter finds {} jobs by now, not {}; look again, and send that number.':
    'Теперь фильтр находит {} заданий, а не {}; проверьте и пришлите это число.',
  'Somebody has saved another version of {} meanwhile: look at it first.':
    'Тем временем кто-то сохранил другую версию {}: сначала посмотрите её.',
  'Somebody saved {} at this moment: try again.': 'В этот момент {} сохранил кто-то ещё: повторите.',

  // The request itself.
  'The body is not UTF-8.': 'Тело не в UTF-8.',
  'The body {}.': 'Тело {}.',
  'Send at most {} bytes.': 'Пришлите не больше {} байт.',
  'Send application/json in UTF-8.': 'Пришлите application/json в UTF-8.',
  'This address takes {}.': 'Этот адрес принимает {}.',
  'Redis or PostgreSQL does not answer; try again shortly.': 'Redis или PostgreSQL не отвечает; повторите чуть позже.',
  'Redis or PostgreSQL does not answer.': 'Redis или PostgreSQL не отвечает.',
  'The worker could not do this; its log says why.': 'Воркер не смог это сделать; причина в его журнале.',
  'Metrics need the user and password of METRICS_BASIC_AUTH.': 'Для метрик нужны логин и пароль из METRICS_BASIC_AUTH.',
  'This needs ALERTMANAGER_WEBHOOK_SECRET as bearer token or password.':
    'Нужен ALERTMANAGER_WEBHOOK_SECRET как токен или пароль.',
  'The body is nothing that Alertmanager sends (version 4).': 'Alertmanager (версия 4) такого не присылает.',
  'The alerts are not taken; send them again.': 'Оповещения не приняты; пришлите их снова.',
  'The signature is missing or wrong.': 'Подписи нет, или она неверна.',
  'The body is nothing in UTF-8 that {} sends.': '{} такого в UTF-8 не присылает.',
  'The webhook is neither stored nor dispatched; send it again.':
    'Вебхук не сохранён и не передан дальше; пришлите его снова.',

  // Why outside services do not answer, as they are shown beside them.
  '{}: not called, its circuit breaker is open after repeated failures':
    '{}: не вызывался, его предохранитель разомкнут после повторных сбоев',
  'Nothing is held, or was answered, under {}.': 'Под именем {} ничего не удержано и ответов не было.',
  'There is no runbook {}.': 'Инструкции {} нет.',
};
