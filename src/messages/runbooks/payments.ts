import { runbooks } from './runbook.ts';

/** Payments that need somebody. */
export const ALERTS_OF_PAYMENTS = runbooks({
  payment_failures: {
    means: {
      en: 'more than 10 % of at least 20 payments made within 24 h failed. Invoices that nobody paid count, so a broken checkout shows here too.',
      ru: 'больше 10 % из минимум 20 платежей за 24 часа не прошли. Счета, которые никто не оплатил, тоже считаются, поэтому видно и сломанное оформление.',
    },
    look: {
      en: "failed payments by provider and plan; Crypto Pay's status; the webhook log.",
      ru: 'неудачные платежи по провайдеру и тарифу; состояние Crypto Pay; журнал вебхуков.',
    },
    act: {
      en: 'mend the checkout or take the provider out of the offer.',
      ru: 'почините оформление или уберите провайдера из предложения.',
    },
  },
  payment_mismatch: {
    means: {
      en: 'a paid invoice has another amount or currency than its payment. Nothing was activated; the payment is left pending and marked.',
      ru: 'у оплаченного счёта другая сумма или валюта, чем у платежа. Ничего не активировано; платёж остаётся в ожидании и помечен.',
    },
    look: {
      en: 'both amounts in the message; the invoice at Crypto Pay.',
      ru: 'обе суммы в сообщении; счёт в Crypto Pay.',
    },
    act: {
      en: 'at [the payments desk](/payments, operations.md#the-payments-desk): `extend`, `given`, or `close` after a refund.',
      ru: 'на [столе платежей](/payments, operations.md#the-payments-desk): `extend`, `given` или, после возврата денег, `close`.',
    },
  },
  payment_unresolved: {
    means: {
      en: 'a payment is paid, but whose subscription it is for is not clear: no panel user, or more than one. Nothing is guessed.',
      ru: 'платёж оплачен, но неясно, чья это подписка: в панели нет такого пользователя или их несколько. Воркер не угадывает.',
    },
    look: {
      en: 'the candidates in the message; `service_identities` and `metadata` of the payment.',
      ru: 'кандидаты в сообщении; `service_identities` и `metadata` платежа.',
    },
    act: {
      en: 'at [the payments desk](/payments, operations.md#the-payments-desk): it has the candidates with what speaks for each, and `assign` gives one of them the days.',
      ru: 'на [столе платежей](/payments, operations.md#the-payments-desk): там видны кандидаты и что говорит за каждого; `assign` выдаст дни одному из них.',
    },
  },
  payment_activation: {
    means: {
      en: 'a payment is paid, but its subscription could not be activated with all retries. The message has the panel user and the exact date.',
      ru: 'платёж оплачен, но активировать подписку не удалось ни с одной попытки. В сообщении пользователь панели и точная дата.',
    },
    look: { en: 'the error; whether the panel answers.', ru: 'ошибка; отвечает ли панель.' },
    act: {
      en: 'mend what the error names. verify_pending_payments goes on trying every 5 minutes towards that same date, and `check` at [the payments desk](/payments, operations.md#the-payments-desk) tries now. Where the date was set by hand, the next try finds it there and extends nothing twice; `given` ends the payment.',
      ru: 'устраните то, что названо в ошибке. verify_pending_payments каждые 5 минут пробует снова с той же датой, а `check` на [столе платежей](/payments, operations.md#the-payments-desk) — прямо сейчас. Если дату поставили вручную, следующая попытка её увидит и второй раз не продлит; `given` завершит платёж.',
    },
  },
  payment_in_vain: {
    means: {
      en: 'an invoice was paid whose payment was already over (failed, refunded). An open invoice is deleted at Crypto Pay before its payment is given up, so this is rare. The customer of a failed payment was told once that the money arrived late and that support knows.',
      ru: 'оплачен счёт, платёж которого уже закончился (не прошёл, возвращён). Открытый счёт удаляется в Crypto Pay раньше, чем платёж бросают, поэтому это редкость. Клиенту неудавшегося платежа один раз сообщили, что деньги пришли поздно и поддержка знает.',
    },
    look: { en: 'the payment and its invoice.', ru: 'платёж и его счёт.' },
    act: {
      en: 'at [the payments desk](/payments, operations.md#the-payments-desk): `extend`, `given`, or `close` after a refund.',
      ru: 'на [столе платежей](/payments, operations.md#the-payments-desk): `extend`, `given` или, после возврата денег, `close`.',
    },
  },
  payment_given_or_not: {
    means: {
      en: 'the backend completed a payment, and the end in the panel fits a longer rest as well as the bought days. Nothing is changed, and it is told once.',
      ru: 'платёж завершил бэкенд, а дата в панели подходит и к остатку подольше, и к купленным дням. Ничего не изменено, сообщается один раз.',
    },
    look: {
      en: "the end of the panel user, and the customer's earlier payments.",
      ru: 'дата окончания в панели и прежние платежи клиента.',
    },
    act: {
      en: 'at [the payments desk](/payments, operations.md#the-payments-desk): `extend` where the days are missing, `given` where the panel has them.',
      ru: 'на [столе платежей](/payments, operations.md#the-payments-desk): `extend`, если дней нет, `given`, если они уже в панели.',
    },
  },
  payment_purchase_unknown: {
    means: {
      en: 'a payment is settled, and the backend calls what was bought by a name that this worker does not know. No days were given.',
      ru: 'платёж завершён, а бэкенд называет покупку словом, которого воркер не знает. Дни не выданы.',
    },
    look: {
      en: '`checkout_mode` in the message; the order in the backend.',
      ru: '`checkout_mode` в сообщении; заказ в бэкенде.',
    },
    act: {
      en: 'at [the payments desk](/payments, operations.md#the-payments-desk): `extend` with the right number of days, `given`, or `close` where no days were bought.',
      ru: 'на [столе платежей](/payments, operations.md#the-payments-desk): `extend` с нужным числом дней, `given` или, если дней не покупали, `close`.',
    },
  },
  payment_gift_waits: {
    means: {
      en: 'a gift is paid for 15 minutes, and the backend, which alone issues its code, has not completed the payment.',
      ru: 'подарок оплачен 15 минут назад, а бэкенд, который один выдаёт код, не завершил платёж.',
    },
    look: {
      en: 'the log of the backend; whether `BACKEND_API_URL` is set.',
      ru: 'журнал бэкенда; задан ли `BACKEND_API_URL`.',
    },
    act: {
      en: 'set `BACKEND_API_URL`, then `check` at [the payments desk](/payments, operations.md#the-payments-desk). `given` where a person has handed over a code, `close` after a refund.',
      ru: 'задайте `BACKEND_API_URL`, затем `check` на [столе платежей](/payments, operations.md#the-payments-desk). `given`, если код выдал человек, `close` после возврата денег.',
    },
  },
  payment_unfinished: {
    means: {
      en: 'another worker set a payment to `completed` and was stopped before its message was finished, as a Python worker that is killed. Whether the panel has the days is not known; it is told once, and nothing is changed, because days added twice cannot be taken back.',
      ru: 'другой воркер поставил платежу `completed` и был остановлен, не доделав сообщение, — например, убитый воркер на Python. Есть ли дни в панели, неизвестно; сообщается один раз, ничего не изменено: дни, добавленные дважды, назад не взять.',
    },
    look: {
      en: 'the expiry of the customer in the panel against the date and the days of the payment.',
      ru: 'дата окончания в панели против даты и дней платежа.',
    },
    act: {
      en: 'at [the payments desk](/payments, operations.md#the-payments-desk): `extend` where the days are missing, `given` where the panel has them.',
      ru: 'на [столе платежей](/payments, operations.md#the-payments-desk): `extend`, если дней нет, `given`, если они уже в панели.',
    },
  },
  webhook_failed: {
    means: {
      en: 'a stored webhook could not be dealt with in three tries.',
      ru: 'сохранённый вебхук не удалось обработать с трёх попыток.',
    },
    look: { en: '`webhook_logs.error_message` of the row.', ru: '`webhook_logs.error_message` этой строки.' },
    act: {
      en: 'payments are found by verify_pending_payments all the same; for others mend the cause and clear `error_message`, which has it tried again within 24 h.',
      ru: 'платежи verify_pending_payments всё равно найдёт; для остальных устраните причину и очистите `error_message`: в течение 24 ч вебхук обработают снова.',
    },
  },
});
