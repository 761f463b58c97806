import type { Locale } from '../lib/locale.ts';

type Words = Readonly<Record<Locale, string>>;

/** Why an act was not undone. */
export const LEFT_IN_WORDS = {
  gone: { en: 'the panel has no such user any more', ru: 'такого пользователя в панели больше нет' },
  status_changed: {
    en: 'somebody turned the user on or off since',
    ru: 'с тех пор кто-то включил или отключил пользователя',
  },
  date_changed: { en: 'the expiry date is another one since', ru: 'с тех пор изменился срок' },
  later_run: { en: 'a later run acted on the user', ru: 'более поздний запуск изменил пользователя' },
  staff: { en: 'staff changed something for the user since', ru: 'с тех пор сотрудник что-то менял у пользователя' },
  paid: { en: 'the customer has paid since', ru: 'с тех пор клиент заплатил' },
  money_unknown: {
    en: 'it is not known now whether the customer has paid; undo it again later',
    ru: 'сейчас неизвестно, заплатил ли клиент; повторите отмену позже',
  },
  not_shown: { en: 'not among those that an admin let go on', ru: 'не входит в то, что разрешил админ' },
} as const satisfies Readonly<Record<string, Words>>;

/** What acts of an effect cannot be taken back, and why. Absent where they can. */
export const FINAL_IN_WORDS: Readonly<Record<string, Words>> = {
  delete: {
    en: 'The panel keeps nothing of a deleted user; the line says what stood.',
    ru: 'Панель ничего не хранит об удалённом; в строке — то, что было.',
  },
  reset: {
    en: 'The panel does not take traffic back; the line says how much was counted.',
    ru: 'Вернуть трафик панель не умеет; в строке — сколько было.',
  },
  reset_traffic: {
    en: 'The panel does not take traffic back; the line says how much was counted.',
    ru: 'Вернуть трафик панель не умеет; в строке — сколько было.',
  },
  tell: { en: 'A message that was sent stays sent.', ru: 'Отправленное сообщение не отозвать.' },
  remind: { en: 'A message that was sent stays sent.', ru: 'Отправленное сообщение не отозвать.' },
  tell_of_traffic: { en: 'A message that was sent stays sent.', ru: 'Отправленное сообщение не отозвать.' },
  send: {
    en: 'A message that was sent stays sent; what waits is withdrawn by cancelling the broadcast.',
    ru: 'Отправленное не отозвать; ещё не отправленное отзывает отмена рассылки.',
  },
  invoice: { en: 'An invoice is ended on the payments desk.', ru: 'Счёт закрывают в разделе платежей.' },
  withdraw: { en: 'An invoice that was ended cannot be opened.', ru: 'Закрытый счёт не открыть снова.' },
  replay: { en: 'What ran has run.', ru: 'Выполненное не отменить.' },
  discard: { en: 'A discarded job is not kept.', ru: 'Удалённое задание не хранится.' },
  cancel: { en: 'A cancelled job can be dispatched anew.', ru: 'Отменённое задание можно поставить заново.' },
};
