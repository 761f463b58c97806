import { seconds } from '../../lib/duration.ts';
import { boughtDays } from '../../lib/purchase.ts';
import { NEEDS, type Need, type Payment } from '../../repositories/payment-row.ts';
import { evidenceOf } from './evidence.ts';
import { decided, isCompletedByOthers } from './ledger.ts';
import {
  type Addressed,
  canBeFor,
  type KnownUser,
  keysOfRecipients,
  keysOfUser,
  type Owner,
  type Recipients,
  recipientsOf,
} from './payment-recipients.ts';

type OfPayment = {
  paymentId: string;
  invoiceId?: string | undefined;
  /** The expiry that it renews, where auto-renew made it. */
  renews?: string | undefined;
};

/** One payment whose money or days are on the way, as it concerns one panel user. */
export type UnderWay = OfPayment &
  (
    | { state: 'promised'; until: Date }
    /** `backend`: others completed it. `person`: it waits for one, for the reason in `need`. `crypto_pay`: nobody here has seen it yet. */
    | { state: 'paid'; because: 'activation' | 'backend' | 'crypto_pay' }
    | { state: 'paid'; because: 'person'; need: Need }
    | { state: 'open' | 'unknown' }
  );

/** A panel that keeps whole seconds still has the promised date. */
const ROUNDING_MS = seconds(1);

/** Payments that wait for these reasons were paid. A run can give up, or be cut, before it knows whether a payment is. */
const MONEY_IS_THERE: ReadonlySet<Need> = new Set(
  NEEDS.filter((need) => need !== 'not_active' && need !== 'unfinished'),
);

type Entry = { recipients: Recipients; payment?: Payment; paymentId: string };

export type MoneyRead = {
  readable: readonly Payment[];
  unreadable: readonly { id: string; customerId: string }[];
  owners: ReadonlyMap<string, Owner>;
};

/** The payments that were on the way at one moment, found by panel user. */
export class MoneyUnderWay {
  readonly #byKey = new Map<string, Entry[]>();
  readonly #byCustomer: ReadonlyMap<string, readonly Payment[]>;

  constructor({ owners, readable, unreadable }: MoneyRead) {
    this.#byCustomer = Map.groupBy(readable, ({ customerId }) => customerId);
    const add = (addressed: Addressed, entry: Omit<Entry, 'recipients'>): void => {
      const owner = owners.get(addressed.customerId) ?? { customer: undefined, identities: [] };
      const recipients = recipientsOf(addressed, owner);
      for (const key of keysOfRecipients(recipients)) {
        const entries = this.#byKey.get(key) ?? [];
        this.#byKey.set(key, [...entries, { recipients, ...entry }]);
      }
    };
    for (const payment of readable) add(payment, { payment, paymentId: payment.id });
    for (const { customerId, id } of unreadable) add({ customerId, ...UNREADABLE }, { paymentId: id });
  }

  of(user: KnownUser): UnderWay[] {
    const near = keysOfUser(user).flatMap((key) => this.#byKey.get(key) ?? []);
    const own = new Map(near.filter(({ recipients }) => canBeFor(recipients, user)).map((one) => [one.paymentId, one]));
    return [...own.values()].flatMap(({ payment, paymentId }) => {
      const found = payment ? this.#stateOf(payment, user) : ({ state: 'unknown', paymentId } as const);
      return found ? [found] : [];
    });
  }

  #stateOf(payment: Payment, user: KnownUser): UnderWay | undefined {
    const { id: paymentId, invoiceId, mark, status } = payment;
    const bought = decided(payment);
    if (bought.kind !== 'unknown' && boughtDays(bought) === 0) return undefined;
    const of = { paymentId, invoiceId, renews: mark.renewal?.expires_at };
    if (mark.activation !== undefined && mark.target_expire_at !== undefined) {
      const until = new Date(mark.target_expire_at);
      return until.getTime() - user.expireAt.getTime() > ROUNDING_MS ? { ...of, state: 'promised', until } : undefined;
    }
    if (mark.activation === 'done') return undefined;
    if (mark.needs && (status === 'completed' || MONEY_IS_THERE.has(mark.needs.why)))
      return { ...of, state: 'paid', because: 'person', need: mark.needs.why };
    if (mark.activation === 'pending') return { ...of, state: 'paid', because: 'activation' };
    if (isCompletedByOthers(payment)) {
      const siblings = this.#byCustomer.get(payment.customerId) ?? [];
      const isGiven = evidenceOf(user.expireAt, payment, siblings) === 'given';
      return isGiven ? undefined : { ...of, state: 'paid', because: 'backend' };
    }
    return status === 'pending' && invoiceId !== undefined ? { ...of, state: 'open' } : undefined;
  }
}

/** A payment that cannot be read may be for anything. */
const UNREADABLE = { hints: {}, mark: {}, purchase: { kind: 'unknown', mode: '', days: 0 } } as const;
