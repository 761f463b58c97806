import type { Locale } from '../../../lib/locale.ts';
import type { HeldBecause } from '../../../repositories/history/planned-broadcasts.ts';

/** The words of the page of a broadcast. */
export const BROADCAST_TEXTS = {
  title: { en: 'Broadcast', ru: 'Рассылка' },
  who: { en: 'Whom it reaches', ru: 'До кого дойдёт' },
  conditions: { en: 'Conditions', ru: 'Условия' },
  missedBy: { en: 'Who missed it', ru: 'Кто не получил' },
  text: { en: 'Text', ru: 'Текст' },
  begun: {
    en: 'It has begun; the figures above are what became of it.',
    ru: 'Рассылка началась; что из неё вышло — в цифрах выше.',
  },
  chats: { en: 'chats', ru: 'чаты' },
  get: { en: 'get it', ru: 'получат' },
  heldOut: { en: 'get nothing by choice', ru: 'не получат намеренно' },
  unreachable: { en: 'cannot be reached', ru: 'недоступны' },
  withoutValues: { en: 'lack what the text names', ru: 'нет данных для текста' },
  took: { en: 'until the last is out', ru: 'до последнего' },
  delivered: { en: 'delivered', ru: 'доставлено' },
  waiting: { en: 'still to be sent', ru: 'ещё отправляются' },
  failed: { en: 'not taken', ru: 'не доставлено' },
  withdrawn: { en: 'withdrawn', ru: 'отозвано' },
  paidTold: { en: 'of them paid within % days', ru: 'из них оплатили за % дн.' },
  paidHeld: { en: 'of those who got nothing', ru: 'из тех, кто не получил' },
  sample: { en: 'The first, as they read it', ru: 'Первые, как они прочтут' },
  chat: { en: 'Chat', ru: 'Чат' },
  reason: { en: 'Why', ru: 'Почему' },
  nobody: { en: 'Nobody meets the conditions now.', ru: 'Сейчас под условия не подходит никто.' },
  nobodyMissed: { en: 'Nobody is known to have missed it.', ru: 'О тех, кто не получил, неизвестно.' },
  again: { en: 'Write to them again', ru: 'Написать им снова' },
  change: { en: 'Change', ru: 'Изменить' },
  send: { en: 'Send', ru: 'Отправить' },
  sureSend: {
    en: 'It goes to % chats; % cannot be reached. Send it?',
    ru: 'Получат чатов: %; недоступны: %. Отправить?',
  },
  sent: { en: 'It is on its way.', ru: 'Рассылка запущена.' },
  planned: { en: 'It will be sent at its time.', ru: 'Рассылка уйдёт в назначенное время.' },
  tooFar: { en: 'The time must be within % days.', ru: 'Время — в пределах % дней.' },
  test: { en: 'Send a test', ru: 'Отправить пробное' },
  tested: { en: 'The test is on its way.', ru: 'Пробное сообщение отправлено.' },
  pause: { en: 'Pause', ru: 'Пауза' },
  resume: { en: 'Go on', ru: 'Продолжить' },
  cancel: { en: 'Cancel', ru: 'Отменить' },
  sureCancel: {
    en: 'What is not sent yet is withdrawn; this cannot be taken back. Cancel it?',
    ru: 'Неотправленное будет отозвано, вернуть это нельзя. Отменить рассылку?',
  },
  said: { en: 'It is done.', ru: 'Сделано.' },
  tooLate: {
    en: 'It is in another state by now; nothing was changed.',
    ru: 'Состояние рассылки уже другое; ничего не изменено.',
  },
  count: { en: 'Count anew', ru: 'Посчитать заново' },
  counted: { en: 'It is counted.', ru: 'Посчитано.' },
  countedAt: { en: 'Counted', ru: 'Посчитано' },
  quiet: { en: 'Quiet hours: sent now, it goes out from', ru: 'Тихие часы: если отправить сейчас, уйдёт с' },
  stars: { en: 'Stars at most', ru: 'звёзд не больше' },
  paid: { en: 'sent at the paid rate', ru: 'по платной скорости' },
  remove: { en: 'Delete what was sent', ru: 'Удалить отправленное' },
  sureRemove: {
    en: 'It disappears from % chats; of % chats nobody knows which message it was. Telegram deletes only what was sent in the last 48 hours; this cannot be taken back. Delete it?',
    ru: 'Сообщение исчезнет из чатов: %; неизвестно, каким оно было, в чатах: %. Telegram удаляет только отправленное за последние 48 часов; вернуть это нельзя. Удалить?',
  },
  removing: { en: 'It is being deleted.', ru: 'Удаляется.' },
  removed: { en: 'Deleted', ru: 'удалено' },
  notRemoved: { en: 'Not deleted', ru: 'не удалено' },
  picture: { en: 'The picture of the message', ru: 'Картинка сообщения' },
  none: { en: 'There is no broadcast %.', ru: 'Рассылки % нет.' },
} as const;

/** Why the worker paused it itself. */
export const HELD_WORDS: Readonly<Record<HeldBecause, Readonly<Record<Locale, string>>>> = {
  stars: {
    en: 'It has cost as many Stars as it may. Let it go on, and the rest is sent at the regular rate, for nothing.',
    ru: 'Потрачено столько звёзд, сколько разрешено. Если продолжить, остальное уйдёт бесплатно, с обычной скоростью.',
  },
  paid_not_allowed: {
    en: 'Telegram does not let this bot send paid broadcasts. Let it go on, and the rest is sent at the regular rate.',
    ru: 'Telegram не разрешает этому боту платные рассылки. Если продолжить, остальное уйдёт с обычной скоростью.',
  },
  late: {
    en: 'Nobody could send it at its time, and that is long past. Nobody got it. Let it go on if it is still wanted, or cancel it.',
    ru: 'В своё время она не ушла, и оно давно прошло. Никто её не получил. Продолжите, если она ещё нужна, или отмените.',
  },
};
