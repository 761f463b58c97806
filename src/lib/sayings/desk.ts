import type { Sayings } from './sayings.ts';

/** What the payments desk answers to an act. */
export const DESK_SAYINGS: Sayings = {
  'Payment {} is for panel user {}; the worker gives the bought days now.':
    'Платёж {} — для пользователя панели {}; воркер сейчас выдаёт купленные дни.',
  'Payment {}: the worker gives panel user {} the days now, once.':
    'Платёж {}: воркер сейчас один раз выдаёт дни пользователю панели {}.',
  'Payment {}: a person gave the days. It is completed, and the panel is left as it is.':
    'Платёж {}: дни выдал человек. Платёж завершается, панель не меняется.',
  'Payment {} is closed: nothing remains to be done, and no days are given.':
    'Платёж {} закрыт: делать больше нечего, дни не выдаются.',
  'Payment {} is looked at again now.': 'Платёж {} проверяется снова.',
  'Payment {} is over: nothing is looked at.': 'Платёж {} завершён: проверять нечего.',
  'Payment {}: its provider is {}; only cryptobot is looked at here.':
    'Платёж {}: его провайдер — {}; здесь проверяется только cryptobot.',
  'Payment {} is over already: {}. Nothing was changed.': 'Платёж {} уже завершён: {}. Ничего не изменено.',
  'Payment {} was refunded, so no days belong to it.': 'Платёж {} возвращён, дни ему не положены.',
  'Payment {}: {}, and the worker carries it out. Nothing was changed.':
    'Платёж {}: {}, воркер это выполняет. Ничего не изменено.',
  'Payment {}: it is not clear which panel user it is for. Name one; `show` lists those that come into question.':
    'Платёж {}: неясно, для какого он пользователя панели. Укажите его; возможные перечислены на странице платежа.',
  'Payment {}: {}': 'Платёж {}: {}',
  'There is no payment {}; `list` finds payments by invoice, customer, Telegram id and username.':
    'Платежа {} нет; в списке платежи находятся по счёту, клиенту, Telegram id и имени.',
  "The panel has no user '{}', neither as id, uuid nor username. `show` lists those that come into question.":
    'В панели нет пользователя «{}»: ни по id, ни по uuid, ни по имени. Возможные перечислены на странице платежа.',
  "'{}' is the id of one panel user and the name of another: {}. Use the username of the one or the id of the other.":
    '«{}» — id одного пользователя панели и имя другого: {}. Укажите имя первого или id второго.',
  'its provider is {}, and only payments of cryptobot are completed here.':
    'его провайдер — {}, а здесь завершаются только платежи cryptobot.',
  'its provider is {}': 'его провайдер — {}',
  'it bought no time for its buyer, so it needs no panel user.':
    'он не покупал времени плательщику, пользователь панели ему не нужен.',
  'it is not the panel user that it waits for. `extend` with a panel user says both for whom it is and that the days are given.':
    'он ждёт не пользователя панели. «Продлить и завершить» с пользователем панели говорит и для кого он, и что дни выдаются.',
  'its days are promised to {} already, and the panel has them.': 'его дни уже обещаны {}, и они есть в панели.',
  'its days are promised to {}, and other payments of that user count on them.':
    'его дни обещаны {}, и на них рассчитывают другие платежи этого пользователя.',
  'its days are promised to {}, who is gone; `assign` another one.':
    'его дни обещаны {}, которого больше нет; назначьте другого.',
  'its days are promised to {} already. The worker tries every 5 minutes; `check` tries now.':
    'его дни уже обещаны {}. Воркер пробует каждые 5 минут; «проверить» пробует сейчас.',
  'its days are promised to {}, so it cannot be closed. The worker tries every 5 minutes; `given` where a person has set that date.':
    'его дни обещаны {}, поэтому закрыть его нельзя. Воркер пробует каждые 5 минут; если дату поставил человек, отметьте, что выдано.',
  'it bought a gift for somebody else, which gives its buyer no days; say how many days where they are to be given all the same.':
    'куплен подарок другому, дней плательщику он не даёт; если выдать их всё же надо, укажите сколько.',
  'it bought an add-on, which gives its buyer no days; say how many days where they are to be given all the same.':
    'куплено дополнение, дней плательщику оно не даёт; если выдать их всё же надо, укажите сколько.',
  'its row says no days; say how many are to be given.': 'в его строке нет дней; укажите, сколько выдать.',
  'nobody has paid its invoice, as far as Crypto Pay knows, so it buys nothing. `close` ends it.':
    'по данным Crypto Pay его счёт никто не оплатил, он ничего не покупает. Его можно закрыть.',
  '{} until {}': '{} до {}',
  'an unknown date': 'неизвестной даты',
  '{} decided {} ({}) at {}': '{} решил(а) {} ({}) {}',
  '{} decided {} at {}': '{} решил(а) {} {}',
  '{}, and it is completed': '{}, он завершён',
  'it is completed': 'он завершён',
  'the days were given to {}': 'дни выданы {}',
  'panel user {}': 'пользователь панели {}',
  'days: {}': 'дней: {}',
  'reason: {}': 'причина: {}',
};
