import { runbooks } from './runbook.ts';

/** Messages and lists that cannot be used as they are, and what is held until somebody decides. */
export const ALERTS_OF_MESSAGES = runbooks({
  notification_failed: {
    means: {
      en: 'messages were given up after `NOTIFICATION_MAX_RETRIES` attempts, five unless it is set. Refusals that are [known to be permanent](notifications.md#what-telegram-refuses), such as a blocked bot, are not among them; the daily report counts those.',
      ru: 'сообщения брошены после `NOTIFICATION_MAX_RETRIES` попыток (по умолчанию пяти). Отказы, которые [точно окончательны](notifications.md#what-telegram-refuses), вроде заблокированного бота, сюда не входят; их считает ежедневный отчёт.',
    },
    look: {
      en: 'the errors in the message; [whether Telegram answers](/runbooks/service_down_telegram).',
      ru: 'ошибки в сообщении; [недоступен ли Telegram](/runbooks/service_down_telegram).',
    },
    act: {
      en: 'nothing where Telegram was away for long; to send them after all, retry them in [messages](/messages, operations.md#the-console), or set the rows `pending` with `attempts = 0`.',
      ru: 'ничего, если Telegram долго не было; чтобы всё-таки отправить, повторите их в [сообщениях](/messages, operations.md#the-console) или верните строкам `pending` и `attempts = 0`.',
    },
  },
  notification_unreadable: {
    means: {
      en: 'rows of `notification_queue` cannot be sent by what stands in them: a Telegram id that is none, no text or more than 1 MiB of it, an impossible `attempts` or `scheduled_at`. Each is `failed`, the others were sent.',
      ru: 'строки `notification_queue` нельзя отправить из-за того, что в них стоит: Telegram id, который им не является, нет текста или его больше 1 МиБ, невозможные `attempts` или `scheduled_at`. Каждая получила `failed`, остальные отправлены.',
    },
    look: {
      en: 'their `error_message`, which begins with `unreadable:` and names the field; who writes such rows.',
      ru: 'их `error_message`: начинается с `unreadable:` и называет поле; кто пишет такие строки.',
    },
    act: {
      en: 'mend the row and set it `pending` with `attempts = 0` and `scheduled_at = now()` to send it after all.',
      ru: 'исправьте строку и, чтобы отправить, верните ей `pending`, `attempts = 0` и `scheduled_at = now()`.',
    },
  },
  unreadable: {
    also: ['unreadable_panel_users', 'unreadable_panel_nodes', 'unreadable_cryptobot_invoices', 'unreadable_payments'],
    means: {
      en: 'something in a list cannot be read, such as a panel user whose Telegram id is 10^18. It is left out and all others are dealt with as ever; it is not taken for gone, expired, offline or unpaid. Told once for each item, and again when it can be read.',
      ru: 'что-то в списке нельзя прочитать, например пользователя панели с Telegram id 10^18. Оно пропущено, со всем остальным работа идёт как обычно; пропущенное не считается удалённым, просроченным, недоступным или неоплаченным. Сообщается один раз о каждом и ещё раз, когда его снова можно прочитать.',
    },
    look: {
      en: 'the item and the field in the message; `cybervpn_unreadable_items_total`, which counts at each reading. Over 100 items of one list are an odd answer rather than odd items: is this version of the panel supported?',
      ru: 'элемент и поле в сообщении; `cybervpn_unreadable_items_total` считает при каждом чтении. Больше 100 элементов одного списка — это скорее странный ответ: поддерживается ли эта версия панели?',
    },
    act: {
      en: 'mend it where it is kept. What the worker keeps in Redis for itself is counted under its own names (`last_runs`, `node_states`, `alerts_on` …) and logged once without an alert: its next write replaces such an entry.',
      ru: 'исправьте там, где оно хранится. То, что воркер держит в Redis для себя, считается под своими именами (`last_runs`, `node_states`, `alerts_on` …) и один раз попадает в журнал без оповещения: следующая запись заменит такой элемент.',
    },
    more: {
      en: 'A held run (`brake_holds`) or a pause (`paused_schedules`) that cannot be read stays as it is. Take its entry out with `redis-cli HDEL cybervpn:brake:holds <name>` or `redis-cli HDEL cybervpn:schedules:paused <name>`: then the next run asks again, and the schedule goes on.',
      ru: 'Остановленный запуск (`brake_holds`) или пауза (`paused_schedules`), которые нельзя прочитать, остаются как есть. Уберите запись: `redis-cli HDEL cybervpn:brake:holds <name>` или `redis-cli HDEL cybervpn:schedules:paused <name>`; тогда следующий запуск спросит снова, а расписание пойдёт.',
    },
  },
  text_broken: {
    means: {
      en: 'a text to customers of yours, or a file of `TEXTS_DIR`, cannot be used; customers get the built-in one. It is told once a day while that is so.',
      ru: 'ваш текст для клиентов или файл из `TEXTS_DIR` нельзя использовать; клиенты получают встроенный. Сообщается раз в день, пока это так.',
    },
    look: {
      en: 'name, language and reason in the message; [the page of the text](/texts, texts.md) shows what customers would read.',
      ru: 'имя, язык и причина в сообщении; [страница текста](/texts, texts.md) показывает, что увидит клиент.',
    },
    act: {
      en: 'mend the text on its page, or the file, or take it away.',
      ru: 'исправьте текст на его странице или файл, либо уберите его.',
    },
  },
  notification_backlog: {
    means: {
      en: 'over 100 messages have been due for more than `NOTIFICATION_STALE_HOURS`, as on the first start beside a table that nobody ever read. They are held; new ones go out.',
      ru: 'больше 100 сообщений просрочены сильнее, чем на `NOTIFICATION_STALE_HOURS`, — например, при первом запуске рядом с таблицей, которую никто не читал. Они удержаны; новые отправляются.',
    },
    look: {
      en: 'who waits for what: [the list on the page of the hold](/brakes/notification_backlog, operations.md#held-runs-and-their-answers); whether anybody still wants to read it.',
      ru: 'кто и чего ждёт: [список на странице удержания](/brakes/notification_backlog, operations.md#held-runs-and-their-answers); хочет ли это ещё кто-нибудь читать.',
    },
    act: {
      en: 'answer on the page *Now*, with a button below the alert, or by `task-worker brake confirm notification_backlog send` or `… drop`. An answer is about all that is held at that moment; earlier ones stand on the same page.',
      ru: 'ответьте на странице «Сейчас», кнопкой под оповещением или командой `task-worker brake confirm notification_backlog send` или `… drop`. Ответ касается всего, что удержано в этот момент; прежние ответы там же.',
    },
  },
  approval_waits: {
    means: {
      en: 'somebody asked for what touches many, such as deleting more users than `APPROVAL_ABOVE` or a message to all. It waits for the yes of a second person and has done nothing yet.',
      ru: 'кто-то просит о том, что затронет многих: удалить больше пользователей, чем `APPROVAL_ABOVE`, или написать всем. Это ждёт согласия второго человека; пока ничего не сделано.',
    },
    look: {
      en: 'what, how many and who asked, in [approvals](/approvals, operations.md#the-yes-of-a-second-person); ask that person where you did not expect it.',
      ru: 'что, сколько и кто просит — в [согласованиях](/approvals, operations.md#the-yes-of-a-second-person); спросите этого человека, если не ждали такого.',
    },
    act: {
      en: 'say yes or no, with a button below the message, on the page, or with `task-worker approvals`. The person who asked cannot say the yes. Without an answer it is void after a day.',
      ru: 'согласитесь или откажите: кнопкой под сообщением, на странице или командой `task-worker approvals`. Тот, кто просит, согласиться не может. Без ответа через сутки всё отменяется.',
    },
  },
  brake: {
    also: [
      'brake_disable_expired_users',
      'brake_check_expiring_subscriptions',
      'brake_reset_monthly_traffic',
      'brake_undo_mass_effect',
    ],
    means: {
      en: "a scheduled run would touch more than `SAFETY_MAX_SHARE` of all users, or the panel's listing came back empty or far smaller than before. It did nothing.",
      ru: 'запуск по расписанию затронул бы больше `SAFETY_MAX_SHARE` всех пользователей, или список панели пришёл пустым либо намного короче прежнего. Ничего не сделано.',
    },
    look: {
      en: 'the counts in the message against the panel. A small listing is most likely a panel in trouble: wait.',
      ru: 'числа в сообщении против панели. Короткий список — скорее всего панель в беде: подождите.',
    },
    act: {
      en: 'read the list of what the run would do, then answer `go`, `only_these` or `not_this_time`; [what each answer means](operations.md#held-runs-and-their-answers). Left alone it looks again at every run, and acts by itself once the numbers are ordinary.',
      ru: 'прочитайте список того, что сделал бы запуск, и ответьте: `go`, `only_these` или `not_this_time`; [что значит каждый ответ](operations.md#held-runs-and-their-answers). Без ответа он смотрит заново при каждом запуске и действует сам, когда числа станут обычными.',
    },
  },
});
