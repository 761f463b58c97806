import type { Sayings } from './sayings.ts';

/** What tasks say of the fields of their payloads. */
export const PAYLOAD_SAYINGS: Sayings = {
  'UTC hour as YYYY-MM-DDTHH; when absent the last one, and hours of the last day that were left out':
    'Час по UTC в виде ГГГГ-ММ-ДДTЧЧ; если не указан — последний и пропущенные часы последних суток',
  'UTC day as YYYY-MM-DD; when absent yesterday, and days of the last week that were left out':
    'День по UTC в виде ГГГГ-ММ-ДД; если не указан — вчера и пропущенные дни последней недели',
  '`replay` and `discard` are for dead letters, `cancel` for jobs that have not ended':
    '`replay` и `discard` — для неудавшихся навсегда, `cancel` — для незавершённых заданий',
  'Duplicates count once': 'Повторы считаются один раз',
  'Job id of the broadcast': 'Id задания рассылки',
  'Id of the planned broadcast': 'Id запланированной рассылки',
  'Chats, where duplicates count once; `all`: every active customer who can be reached':
    'Чаты, повторы считаются один раз; `all` — все активные клиенты, до которых можно достучаться',
  'Panel users: uuids (2.x) or numbers (3.x); duplicates count once':
    'Пользователи панели: uuid (2.x) или номера (3.x); повторы считаются один раз',
  'Older producers send it; no operation has any': 'Его шлют старые отправители; ни одной операции он не нужен',
  'A name that is told beside the caller, who is known by token, session or stream':
    'Имя рядом с вызвавшим, который известен по токену, сеансу или потоку',
  'By creation: from the first on, before the second, a plain day included whole; servers are always given as they are now':
    'По созданию: начиная с первого и до второго, день без времени — целиком; серверы всегда даются как есть сейчас',
  'csv for programs (RFC 4180); csv_excel opens by itself in an Excel with a decimal comma, as in Russian: semicolons, marked as UTF-8, ids as text; json; xlsx. What somebody wrote is never a formula':
    'csv — для программ (RFC 4180); csv_excel сам открывается в русском Excel: точки с запятой, пометка UTF-8, id как текст; json; xlsx. Написанное людьми никогда не становится формулой',
  'For csv, csv_excel and json; xlsx is compressed already': 'Для csv, csv_excel и json; xlsx уже сжат',
  'The receipt of the run whose acts are undone': 'Квитанция запуска, действия которого отменяются',
  'Shown beside the link where not empty': 'Показывается рядом со ссылкой, если не пусто',
  'Asked for again: sent by the second server': 'Запрошено ещё раз: уходит через второй сервер',
  '`again`: a second look that a first one asked for; `event`: an event of the panel asked for it':
    '`again` — второй взгляд, о котором попросил первый; `event` — о нём попросило событие панели',
  'Name of the event, such as crm.infra_billing_node_payment_in_48hrs':
    'Имя события, например crm.infra_billing_node_payment_in_48hrs',
  'Name of the node': 'Имя узла',
  'Name of the provider who is to be paid': 'Имя хостера, которому пора платить',
  'When the bill is due': 'Когда пора платить по счёту',
  'When the panel sent the event': 'Когда панель прислала событие',
  'Chats; duplicates count once': 'Чаты; повторы считаются один раз',
  'has {} characters, at most {} are read; send a link instead': '{} знаков, а читается не больше {}; пришлите ссылку',
  'needs {} of {} characters, at most {} are sent; it has {} characters that are seen':
    'нужно {} по {} знаков, а отправляется не больше {}; видимых знаков {}',
  'Chat to send to': 'Чат, куда отправить',
  'Text; HTML unless parse_mode says otherwise. {}': 'Текст; HTML, если parse_mode не говорит иного. {}',
  'At most {} messages of 4096 characters, as which a longer text is sent; characters are counted as Telegram does, without tags':
    'Не больше {} сообщений по 4096 знаков, которыми уходит длинный текст; знаки считаются как в Telegram, без тегов',
  'Names the progress record; the job id when absent': 'Имя записи о ходе; если не указано — id задания',
  "Text in Telegram's HTML. {}": 'Текст в HTML Telegram. {}',
  'Day as YYYY-MM-DD, of UTC or of REPORT_DAY; yesterday when absent':
    'День в виде ГГГГ-ММ-ДД, по UTC или REPORT_DAY; если не указан — вчера',
  '`payments.id`; found by its invoice where a signed body is given':
    '`payments.id`; если дано подписанное тело, находится по счёту',
  'What the producer knows of the invoice. Not believed: it is read again at Crypto Pay':
    'Что отправитель знает о счёте. На веру не берётся: счёт снова читается в Crypto Pay',
  'Exact body of a webhook of Crypto Pay': 'Точное тело вебхука Crypto Pay',
  'Its `crypto-pay-api-signature`': 'Его `crypto-pay-api-signature`',
  'Any day of the week as YYYY-MM-DD; the last whole week when absent':
    'Любой день недели в виде ГГГГ-ММ-ДД; если не указан — последняя полная неделя',
};
