import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { MoneyOf } from '../../domain/payments/customer-picture.ts';
import { type KnownUser, renewedUser } from '../../domain/payments/payment-recipients.ts';
import { isAboutToEnd, renewalMessageId } from '../../domain/payments/renewal.ts';
import type { OpenRenewal, UnusedRenewal } from '../../domain/payments/unused-renewals.ts';
import { userLine } from '../../domain/subscriptions/user-line.ts';
import { addCounts } from '../../lib/add-counts.ts';
import { days, seconds } from '../../lib/duration.ts';
import { errorMessage, TransientError } from '../../lib/errors.ts';
import type { ReceiptLine } from '../../lib/receipt.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { PlannedGroup } from '../../runtime/define-task.ts';

/** Renewals that a dead worker left without an invoice are taken up within this. */
const RESUMED_WITHIN_MS = days(1);
const RESUMED_AT_ONCE = 100;

/** Sends users with auto-renew an invoice in the last hour of their time: one for each user and expiry date, however often it runs. */
export default defineMassTask({
  name: 'auto_renew_subscriptions',
  summary: {
    en: 'Sends a CryptoBot invoice to users with auto-renew whose time ends within an hour',
    ru: 'Присылает счёт CryptoBot пользователям с автопродлением, чей срок кончается в течение часа',
  },
  payload: z.object({}),
  schedule: { cron: '*/30 * * * *' },
  retry: { delaysMs: [seconds(60), seconds(60), seconds(60)], exhausted: 'alert' },
  counts: {
    ending: 'Users whose time ends within an hour',
    unreadable: 'Panel users and payments left out because they cannot be read',
    invoiced: 'Invoices made and queued for sending',
    already: 'Users who have their invoice for this date',
    off: 'Users without auto-renew',
    unable: 'Users with auto-renew who cannot be invoiced: no price, no payable currency, or no chat',
    paid: 'Users not asked because they have paid, or were promised more time',
    open: 'Users not asked because they have another open invoice',
    unknown: 'Users left for the next run because Crypto Pay does not say whether they have paid',
    withdrawn: 'Invoices of auto-renew ended because the customer has got the time otherwise',
  },
  effects: {
    invoice: { en: 'make an invoice and send its link', ru: 'выставить счёт и прислать ссылку' },
    withdraw: { en: 'end an invoice that is not needed', ru: 'закрыть ненужный счёт' },
    fail: {
      en: 'not known now, would be tried again',
      ru: 'сейчас неизвестно, будет попытка позже',
      isLeft: true,
    },
  },
  needs: ['customerPicture', 'payments', 'panel', 'renewal', 'unusedRenewals'],

  async *plan(_, { customerPicture, now, panel, payments, renewal, signal, unusedRenewals }): AsyncGenerator<Group> {
    /** One user's trouble is not the others'. */
    const group = async (who: Who, find: () => Promise<Step | Kept | 'off' | 'unable'>): Promise<Group> => {
      try {
        const found = await find();
        return typeof found === 'string' ? { steps: [], counts: { [found]: 1 } } : { steps: [found] };
      } catch (error) {
        signal.throwIfAborted();
        return { steps: [{ does: 'fail', who, error }] };
      }
    };
    /** Why this user is not asked to pay now; undefined where nothing speaks against it. */
    const keptBack = async (user: KnownUser): Promise<Kept | undefined> => {
      const [money] = await customerPicture.of([user], now, signal);
      return keptBackBy(money!, user.expireAt);
    };

    const unfinished = await payments.unfinishedRenewals(new Date(now.getTime() - RESUMED_WITHIN_MS), RESUMED_AT_ONCE);
    yield { steps: [], counts: { unreadable: unfinished.holes.length } };
    const resumed = new Set(unfinished.items.map(({ id }) => id));
    for (const payment of unfinished.items) {
      const { expires_at: expiresAt, telegram_id: telegramId } = payment.mark.renewal!;
      const user = renewedUser(payment.hints, { telegramId, expireAt: new Date(expiresAt) });
      const make = (): Promise<boolean> => renewal.resume(payment, signal);
      yield await group(
        user,
        async () => (await keptBack(user)) ?? { does: 'invoice', who: user, payment: payment.id, make },
      );
    }

    // Collected first: a listing that is read while invoices are made would take minutes and lose its place.
    const ending: PanelUser[] = [];
    const invoiced: OpenRenewal[] = [];
    const renewalsOf = await unusedRenewals.open();
    const listing = panel.users({}, signal);
    for await (const user of listing) {
      if (isAboutToEnd(user, now)) ending.push(user);
      for (const payment of renewalsOf(user)) invoiced.push({ user, payment });
    }
    yield { steps: [], counts: { ending: ending.length, unreadable: listing.holes.length } };
    // Asks Crypto Pay about the open invoices of all at once.
    await customerPicture.of(ending, now, signal);
    for (const user of ending) {
      yield await group(user, async () => {
        const terms = await renewal.termsFor(user, signal);
        if (typeof terms === 'string') return terms;
        const kept = await keptBack(user);
        if (kept) return kept;
        const { id, isOpen } = await renewal.isOpen(terms);
        if (!isOpen || resumed.has(id)) return 'already';
        return { does: 'invoice', who: user, payment: id, make: () => renewal.offer(terms, signal) };
      });
    }
    for (const unused of await unusedRenewals.unused(invoiced, now, signal))
      yield { steps: [{ does: 'withdraw', who: unused.user, unused }] };
  },

  show: (step) => userLine(step.does, step.who, step.does === 'fail' ? errorMessage(step.error) : step.who.expireAt),

  async run(_, { log, signal, unusedRenewals }, planned) {
    const counts = {
      ...{ ending: 0, unreadable: 0, invoiced: 0, already: 0, off: 0, unable: 0 },
      ...{ paid: 0, open: 0, unknown: 0, withdrawn: 0 },
    };
    let failed = 0;
    let firstFailure: unknown;
    /** What failed is tried again by the task's next attempt. */
    const fail = (user: string, err: unknown): void => {
      log.warn({ err, user }, 'renewal not invoiced, will try again');
      failed += 1;
      firstFailure ??= err;
    };
    const withdraw = async ({ unused, who }: Withdrawing): Promise<boolean> => {
      const isDone = await unusedRenewals.withdraw(unused, signal);
      const { id } = unused.payment;
      const act = uuidFrom(`auto-renew-withdrawn:${id}`);
      if (isDone) await planned.receipt.done([{ act, ...userLine('withdraw', who, `payment ${id}`) }]);
      return isDone;
    };
    for await (const { counts: more, steps } of planned.groups()) {
      addCounts(counts, more);
      for (const step of steps) {
        if (step.does === 'fail') fail(step.who.username, step.error);
        else if (step.does === 'withdraw') counts.withdrawn += (await withdraw(step)) ? 1 : 0;
        else {
          try {
            await planned.receipt.begun([invoiceLine(step)]);
            counts[(await step.make()) ? 'invoiced' : 'already'] += 1;
          } catch (error) {
            signal.throwIfAborted();
            fail(step.who.username, error);
          }
        }
      }
    }
    if (failed > 0) {
      const message = `auto_renew_subscriptions: ${failed} renewals have no invoice yet, the first because: ${errorMessage(firstFailure)}`;
      throw new TransientError('renewals_not_invoiced', message, { cause: firstFailure });
    }
    return counts;
  },
});

type Who = Pick<KnownUser, 'expireAt' | 'id' | 'username'>;
type Withdrawing = { does: 'withdraw'; who: Who; unused: UnusedRenewal };
type Step =
  | { does: 'invoice'; who: Who; payment: string; make(): Promise<boolean> }
  | Withdrawing
  | { does: 'fail'; who: Who; error: unknown };
type Group = PlannedGroup<Step, 'ending' | 'off' | 'unable' | 'unreadable' | Kept>;

/** The row of the invoice's link says whether it was made. */
const invoiceLine = ({ payment, who }: { payment: string; who: Who }): ReceiptLine => ({
  act: renewalMessageId(payment),
  isMessage: true,
  ...userLine('invoice', who, `payment ${payment}`),
  was: { expire_at: who.expireAt.toISOString() },
});

type Kept = 'already' | 'open' | 'paid' | 'unknown';

function keptBackBy({ state, underWay }: MoneyOf, expireAt: Date): Kept | undefined {
  if (state === 'none') return undefined;
  if (state !== 'open') return state === 'promised' ? 'paid' : state;
  return underWay.some(({ renews }) => renews === expireAt.toISOString()) ? 'already' : 'open';
}
