import { runbooks } from './runbook.ts';

/** What Prometheus tells of messages, nodes and payments. */
export const RULES_OF_PROMISES = runbooks({
  DeliverySlow: {
    means: {
      en: 'one in twenty messages is sent more than 60 s after it is due, broadcasts not counted; or messages are due and none leaves.',
      ru: 'каждое двадцатое сообщение уходит позже чем через 60 с, рассылки не считаются; или сообщения ждут, и ни одно не уходит.',
    },
    look: {
      en: 'an old backlog that is held counts as due: page *Now*, or `task-worker brake`. `cybervpn_breaker_state{service="telegram"}`, `cybervpn_rate_limit_wait_seconds`, whether process_notification_queue runs.',
      ru: 'удержанная старая очередь считается ждущей: страница «Сейчас» или `task-worker brake`. `cybervpn_breaker_state{service="telegram"}`, `cybervpn_rate_limit_wait_seconds`, выполняется ли process_notification_queue.',
    },
    act: {
      en: "decide over [the backlog](/runbooks/notification_backlog); bring Telegram's way back. All messages are still there.",
      ru: 'решите судьбу [старой очереди](/runbooks/notification_backlog); верните путь к Telegram. Все сообщения целы.',
    },
    rules: {
      DeliverySlow: {
        summary: 'Уведомления приходят поздно',
        description: 'Каждое двадцатое опаздывает больше обещанных 60; секунд: {value}. Рассылки не считаются.',
        action: 'Проверьте, не медлит ли и не ограничивает ли нас Telegram и разбирается ли очередь notifications.',
      },
      DeliveryStopped: {
        summary: 'Ни одно уведомление не уходит',
        description: 'Пора отправить: {value}, и за десять минут не отправлено ни одного.',
        action: 'Проверьте, не ждёт ли вашего решения старая очередь и отвечает ли Telegram.',
      },
    },
  },
  DeliveriesFail: {
    means: {
      en: "under 98 % of an hour's messages that could be delivered were. Who blocked the bot or left is not counted.",
      ru: 'доставлено меньше 98 % сообщений за час, которые можно было доставить. Кто заблокировал бота или ушёл, не считается.',
    },
    look: {
      en: "[messages](/messages, operations.md#the-console), the failed ones by reason, or `select error_message, count(*) from notification_queue where status = 'failed' group by 1 order by 2 desc`. `too_long` has more text than 20 messages hold. A `sent` row with `sent as plain text: …` arrived without its HTML, for the reason that Telegram gave.",
      ru: "[сообщения](/messages, operations.md#the-console), неудачные по причинам, или `select error_message, count(*) from notification_queue where status = 'failed' group by 1 order by 2 desc`. У `too_long` текста больше, чем на 20 сообщений. Строка `sent` с `sent as plain text: …` дошла без HTML по причине, которую назвал Telegram.",
    },
    act: {
      en: 'a wrong text of a producer is mended there. After an outage: retry them in [messages](/messages, operations.md#the-console), or set the rows `pending` with `attempts = 0`.',
      ru: 'неверный текст исправляют у того, кто его пишет. После сбоя: повторите их в [сообщениях](/messages, operations.md#the-console) или верните строкам `pending` и `attempts = 0`.',
    },
    rules: {
      DeliveriesFail: {
        summary: 'Уведомления бросаются недоставленными',
        description: 'За последний час доставлено только {value}; обещано 98 %. Кто заблокировал бота, не считается.',
        action: 'Посмотрите ошибки неудавшихся сообщений и ответы Telegram.',
      },
    },
  },
  TelegramLimitsUs: {
    means: {
      en: 'Telegram answered 429. The worker keeps every message under the limit and pauses all workers for as long as Telegram asks; something else sends with this token.',
      ru: 'Telegram ответил 429. Воркер держит каждое сообщение ниже лимита и останавливает всех воркеров на столько, на сколько просит Telegram; этим токеном шлёт кто-то ещё.',
    },
    look: { en: 'the backend and other bots with the same token.', ru: 'бэкенд и другие боты с тем же токеном.' },
    act: {
      en: 'leave sending to `notification_queue`, or lower `TELEGRAM_RATE_PER_SECOND`.',
      ru: 'пусть отправляет только `notification_queue`, или уменьшите `TELEGRAM_RATE_PER_SECOND`.',
    },
    rules: {
      TelegramLimitsUs: {
        summary: 'Telegram отвечает «слишком много запросов»',
        description: 'Воркер держится ниже 30 сообщений в секунду, значит, тем же токеном шлёт кто-то ещё.',
        action: 'Найдите другого отправителя или уменьшите TELEGRAM_RATE_PER_SECOND до того, что он оставляет.',
      },
    },
  },
  AuthEmailDeliveryDegraded: {
    means: {
      en: 'of the tries of half an hour to send codes and sign-in links, too few succeeded.',
      ru: 'из попыток отправить коды и ссылки для входа за полчаса удалось слишком мало.',
    },
    look: {
      en: '`cybervpn_email_send_errors_total`; the mail server of `SMTP_URL`; [how e-mail is sent](operations.md#e-mail).',
      ru: '`cybervpn_email_send_errors_total`; почтовый сервер из `SMTP_URL`; [как отправляется почта](operations.md#e-mail).',
    },
    act: {
      en: 'mend the mail server, or the login to it. A code goes out at most once: people ask for another.',
      ru: 'почините почтовый сервер или вход на него. Код отправляется не больше одного раза: люди запросят другой.',
    },
    rules: {
      AuthEmailDeliveryDegraded: {
        summary: 'Коды и ссылки для входа не доходят',
        description: 'Неудачных попыток за последние полчаса: {value}.',
        action: 'Посмотрите cybervpn_email_send_errors_total и почтовый сервер из SMTP_URL.',
      },
    },
  },
  NodesNotWatched: {
    means: {
      en: 'the last look at the nodes that succeeded is over three minutes ago, or a node that went down was told later than that.',
      ru: 'последняя успешная проверка узлов была больше трёх минут назад, или об отключении узла сообщили позже этого.',
    },
    look: {
      en: '[whether the panel answers](/runbooks/service_down_remnawave); `taskiq_task_duration_seconds` (check_server_health); `HEALTH_CHECK_INTERVAL_SECONDS`: with more than 120 the promise cannot be kept, and the 180 in the rule has to grow with it.',
      ru: '[отвечает ли панель](/runbooks/service_down_remnawave); `taskiq_task_duration_seconds` (check_server_health); `HEALTH_CHECK_INTERVAL_SECONDS`: больше 120 — обещание не сдержать, и 180 в правиле должно вырасти вместе с ним.',
    },
    act: { en: 'bring the panel back.', ru: 'верните панель.' },
    rules: {
      NodesNotWatched: {
        summary: 'За узлами никто не следит',
        description: 'Последняя успешная проверка была {value} назад; обещано три минуты.',
        action: 'Проверьте, отвечает ли панель и не падает ли check_server_health.',
      },
      NodesNoticedLate: {
        summary: 'Отключение узлов замечено поздно',
        description: 'На это ушло до {value}; обещано три минуты.',
        action:
          'Проверьте, выполняется ли check_server_health каждые HEALTH_CHECK_INTERVAL_SECONDS (120) и сколько отвечает панель.',
      },
    },
  },
  PaymentsSlow: {
    means: {
      en: 'from payment to active subscription it took more than ten minutes, or for that long nobody has looked for paid invoices.',
      ru: 'от оплаты до активной подписки прошло больше десяти минут, или столько времени никто не искал оплаченные счета.',
    },
    look: {
      en: "[Crypto Pay](/runbooks/service_down_cryptobot), [the panel](/runbooks/service_down_remnawave), errors of verify_pending_payments; whether Crypto Pay's webhook reaches `/webhooks/cryptobot`.",
      ru: '[Crypto Pay](/runbooks/service_down_cryptobot), [панель](/runbooks/service_down_remnawave), ошибки verify_pending_payments; доходит ли вебхук Crypto Pay до `/webhooks/cryptobot`.',
    },
    act: {
      en: 'bring the service back. Every paid invoice is found by the next look, for 24 h and once more after that.',
      ru: 'верните сервис. Каждый оплаченный счёт найдёт следующая проверка, в течение 24 ч и ещё раз после этого.',
    },
    rules: {
      PaymentsSlow: {
        summary: 'Оплаченные подписки активируются поздно',
        description: 'От оплаты прошло до {value}; обещано десять минут.',
        action: 'Проверьте, отвечает ли панель и приходят ли вебхуки Crypto Pay.',
      },
      PaymentsNotWatched: {
        summary: 'Никто не ищет оплаченные счета',
        description: 'Последняя успешная проверка была {value} назад; обещано десять минут.',
        action: 'Проверьте, отвечает ли Crypto Pay и не падает ли verify_pending_payments.',
      },
    },
  },
  PaymentTasksFail: {
    means: {
      en: 'a task of payments has used up its retries. A paid payment stays marked, and verify_pending_payments tries it again.',
      ru: 'задача платежей израсходовала все попытки. Оплаченный платёж остаётся помеченным, и verify_pending_payments пробует его снова.',
    },
    look: {
      en: 'the error among [failed jobs](/jobs, operations.md#day-to-day); whether panel, Crypto Pay and PostgreSQL answer.',
      ru: 'ошибка в [неудавшихся заданиях](/jobs, operations.md#day-to-day); отвечают ли панель, Crypto Pay и PostgreSQL.',
    },
    act: {
      en: 'mend the cause and replay the job. [A payment that is not activated](/runbooks/payment_activation) is at the payments desk too.',
      ru: 'устраните причину и повторите задание. [Неактивированный платёж](/runbooks/payment_activation) виден и на столе платежей.',
    },
    rules: {
      PaymentTasksFail: {
        summary: 'Задача платежей {task_name} окончательно не удалась',
        description:
          'Попытки израсходованы. Оплаченный платёж остаётся помеченным, verify_pending_payments пробует его снова.',
        action: 'Посмотрите ошибку среди неудавшихся заданий.',
      },
    },
  },
  PaymentNeedsDecision: {
    means: {
      en: 'money came, and what for is not clear: within an hour the worker stopped at one such payment at least. Nothing was activated.',
      ru: 'пришли деньги, и неясно, за что: за час воркер остановился хотя бы на одном таком платеже. Ничего не активировано.',
    },
    look: {
      en: "the worker's message about that payment; the label `status`: `mismatched` is [another amount](/runbooks/payment_mismatch), `unresolved` [nobody knows whose](/runbooks/payment_unresolved), `in_vain` [paid in vain](/runbooks/payment_in_vain), `asked` [given or not](/runbooks/payment_given_or_not).",
      ru: 'сообщение воркера об этом платеже; метка `status`: `mismatched` — [другая сумма](/runbooks/payment_mismatch), `unresolved` — [неясно, кому](/runbooks/payment_unresolved), `in_vain` — [оплачено напрасно](/runbooks/payment_in_vain), `asked` — [выданы ли дни](/runbooks/payment_given_or_not).',
    },
    act: {
      en: 'decide with the customer at [the payments desk](/payments, operations.md#the-payments-desk): it has all that waits for a person, with one act for each case.',
      ru: 'решите вместе с клиентом на [столе платежей](/payments, operations.md#the-payments-desk): там всё, что ждёт человека, и по одному действию на каждый случай.',
    },
    rules: {
      PaymentNeedsDecision: {
        summary: 'Платёж ждёт вашего решения ({status})',
        description: 'Пришли деньги, и неясно, за что. Ничего не активировано. Какой это платёж, админам сообщили.',
        action: 'Решите вместе с клиентом; что делать в каждом случае, сказано в инструкции.',
      },
    },
  },
});
