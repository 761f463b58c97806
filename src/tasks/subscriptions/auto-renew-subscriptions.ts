import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { MoneyOf } from '../../domain/payments/customer-picture.ts';
import { type KnownUser, renewedUser } from '../../domain/payments/payment-recipients.ts';
import { isAboutToEnd } from '../../domain/payments/renewal.ts';
import { days, seconds } from '../../lib/duration.ts';
import { errorMessage, TransientError } from '../../lib/errors.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import { defineTask } from '../../runtime/define-task.ts';

/** Renewals that a dead worker left without an invoice are taken up within this. */
const RESUMED_WITHIN_MS = days(1);
const RESUMED_AT_ONCE = 100;

/** Sends users with auto-renew an invoice in the last hour of their time: one for each user and expiry date, however often it runs. */
export default defineTask({
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
  needs: ['customerPicture', 'payments', 'panel', 'renewal', 'unusedRenewals'],

  async run(_, { customerPicture, log, now, panel, payments, renewal, signal, unusedRenewals }) {
    const counts = {
      ...{ ending: 0, unreadable: 0, invoiced: 0, already: 0, off: 0, unable: 0 },
      ...{ paid: 0, open: 0, unknown: 0, withdrawn: 0 },
    };
    let failed = 0;
    let firstFailure: unknown;

    /** One user's trouble is not the others'; what failed is tried again by the task's next attempt. */
    const attempt = async (who: string, offer: () => Promise<boolean | Kept | 'off' | 'unable'>): Promise<void> => {
      try {
        const came = await offer();
        counts[typeof came === 'string' ? came : came ? 'invoiced' : 'already'] += 1;
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ err, user: who }, 'renewal not invoiced, will try again');
        failed += 1;
        firstFailure ??= err;
      }
    };
    /** Why this user is not asked to pay now; undefined where nothing speaks against it. */
    const keptBack = async (user: KnownUser): Promise<Kept | undefined> => {
      const [money] = await customerPicture.of([user], now, signal);
      return keptBackBy(money!, user.expireAt);
    };

    const unfinished = await payments.unfinishedRenewals(new Date(now.getTime() - RESUMED_WITHIN_MS), RESUMED_AT_ONCE);
    counts.unreadable += unfinished.holes.length;
    for (const payment of unfinished.items) {
      await attempt(payment.id, async () => {
        const { expires_at: expiresAt, telegram_id: telegramId } = payment.mark.renewal!;
        const user = renewedUser(payment.hints, { telegramId, expireAt: new Date(expiresAt) });
        return (await keptBack(user)) ?? renewal.resume(payment, signal);
      });
    }

    // Collected first: a listing that is read while invoices are made would take minutes and lose its place.
    const ending: PanelUser[] = [];
    const invoiced: { user: PanelUser; payment: Payment }[] = [];
    const renewalsOf = await unusedRenewals.open();
    const listing = panel.users({}, signal);
    for await (const user of listing) {
      if (isAboutToEnd(user, now)) ending.push(user);
      for (const payment of renewalsOf(user)) invoiced.push({ user, payment });
    }
    counts.ending = ending.length;
    counts.unreadable += listing.holes.length;
    // Asks Crypto Pay about the open invoices of all at once.
    await customerPicture.of(ending, now, signal);
    for (const user of ending) {
      await attempt(user.id, async () => {
        const terms = await renewal.termsFor(user, signal);
        if (typeof terms === 'string') return terms;
        return (await keptBack(user)) ?? renewal.offer(terms, signal);
      });
    }
    counts.withdrawn = await unusedRenewals.withdraw(invoiced, now, signal);
    if (failed > 0) {
      const message = `auto_renew_subscriptions: ${failed} renewals have no invoice yet, the first because: ${errorMessage(firstFailure)}`;
      throw new TransientError('renewals_not_invoiced', message, { cause: firstFailure });
    }
    return counts;
  },
});

type Kept = 'already' | 'open' | 'paid' | 'unknown';

function keptBackBy({ state, underWay }: MoneyOf, expireAt: Date): Kept | undefined {
  if (state === 'none') return undefined;
  if (state !== 'open') return state === 'promised' ? 'paid' : state;
  return underWay.some(({ renews }) => renews === expireAt.toISOString()) ? 'already' : 'open';
}
