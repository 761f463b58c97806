import { days, seconds } from '../../lib/duration.ts';
import type { Customers } from '../../repositories/customers.ts';
import type { PaymentsUnderWay } from '../../repositories/payments-under-way.ts';
import type { CompletedByOthers } from './completed-by-others.ts';
import type { CryptobotInvoices, InvoicesById } from './cryptobot-invoices.ts';
import { MoneyUnderWay, type UnderWay } from './money-under-way.ts';
import type { KnownUser } from './payment-recipients.ts';

/** One reading serves a run for this long. A decision rests on facts of at most this age. */
const READING_MS = seconds(10);
/** As long as `verify_pending_payments` takes up what is completed and not active: the column has no index. */
const CREATED_WITHIN_MS = days(90);
/** Payments in one statement. */
const PAGE = 1_000;
/** Crypto Pay answers in well under 1 s. After this the answer is unknown: nobody is kept waiting. */
const ANSWER_WITHIN_MS = seconds(5);

/**
 * `promised`: a date that the panel does not show yet. `paid`: the money is there, and the days are not. `unknown`: an invoice may be paid,
 * and Crypto Pay does not say. `open`: an invoice is not paid. `none`: nothing is on the way.
 */
export type MoneyState = UnderWay['state'] | 'none';

/** The strongest state, and everything that is on the way. */
export type MoneyOf = { state: MoneyState; underWay: readonly UnderWay[] };

export type CustomerPictureOptions = {
  byOthers: Pick<CompletedByOthers, 'since'>;
  customers: Pick<Customers, 'owners'>;
  invoices: Pick<CryptobotInvoices, 'byId'>;
  payments: PaymentsUnderWay;
};

/**
 * Answers for panel users what is known of their money: all who ask, remind, tell or turn off decide by it. Three statements and at most one
 * question to Crypto Pay serve any number of users, once per run within 10 s.
 */
export class CustomerPicture {
  readonly #options: CustomerPictureOptions;
  readonly #readings = new WeakMap<AbortSignal, Reading>();

  constructor(options: CustomerPictureOptions) {
    this.#options = options;
  }

  /** In the order of `users`. `signal` names the run. Crypto Pay is asked where it decides. Throws where PostgreSQL does not answer. */
  async of(users: readonly KnownUser[], now: Date, signal: AbortSignal): Promise<readonly MoneyOf[]> {
    if (users.length === 0) return [];
    const reading = this.#reading(now, signal);
    const money = await reading.money;
    const found = users.map((user) => money.of(user));
    const undecided = found.filter((underWay) => strongest(underWay) === 'open').flat();
    reading.asked = reading.asked.then(() => this.#ask(undecided, reading.answers, signal));
    await reading.asked;
    signal.throwIfAborted();
    return found.map((underWay) => {
      const asked = underWay.map((one) => (one.state === 'open' ? decidedBy(one, reading.answers) : one));
      const left = asked.filter((one) => one !== undefined);
      return { state: strongest(left), underWay: left };
    });
  }

  /** Those who have not paid, with how many have, and of how many that is unknown. */
  async unpaid<T>(
    items: readonly T[],
    userOf: (item: T) => KnownUser,
    now: Date,
    signal: AbortSignal,
  ): Promise<{ items: T[]; paid: number; unknown: number }> {
    const money = await this.of(items.map(userOf), now, signal);
    const count = (states: readonly MoneyState[]) => money.filter(({ state }) => states.includes(state)).length;
    return {
      items: items.filter((_, i) => money[i]!.state === 'none' || money[i]!.state === 'open'),
      paid: count(['paid', 'promised']),
      unknown: count(['unknown']),
    };
  }

  #reading(now: Date, signal: AbortSignal): Reading {
    const kept = this.#readings.get(signal);
    if (kept && performance.now() - kept.at < READING_MS) return kept;
    const asked = Promise.resolve();
    const reading: Reading = { at: performance.now(), money: this.#read(now), answers: new Map(), asked };
    reading.money.catch(() => this.#readings.delete(signal));
    this.#readings.set(signal, reading);
    return reading;
  }

  async #read(now: Date): Promise<MoneyUnderWay> {
    const { byOthers, customers, payments } = this.#options;
    const limits = {
      createdAfter: new Date(now.getTime() - CREATED_WITHIN_MS),
      completedByOthersSince: await byOthers.since(now),
      // The run has read the panel after its own begin: it may not have seen what was given since.
      endedSince: now,
    };
    const pages = [await payments.page(undefined, PAGE, limits)];
    for (let last = pages[0]!; last.isFull; pages.push(last)) last = await payments.page(last.lastId, PAGE, limits);
    const readable = pages.flatMap(({ items }) => items);
    const unreadable = pages.flatMap((page) => page.unreadable);
    const owners = await customers.owners([
      ...new Set([...readable, ...unreadable].map(({ customerId }) => customerId)),
    ]);
    return new MoneyUnderWay({ readable, unreadable, owners });
  }

  /** Asks once about each invoice. No answer is one, too: a Crypto Pay that is away is not asked again for each user. Never throws. */
  async #ask(open: readonly UnderWay[], answers: Map<string, Answer>, signal: AbortSignal): Promise<void> {
    const ids = new Set(open.map(({ invoiceId }) => invoiceId!));
    const unasked = [...ids].filter((id) => !answers.has(id));
    if (unasked.length === 0) return;
    const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    const found = await this.#options.invoices.byId(unasked, within).catch(() => undefined);
    for (const id of unasked) answers.set(id, found ? answerOf(id, found) : 'unknown');
  }
}

type Answer = 'paid' | 'open' | 'over' | 'unknown';

type Reading = {
  at: number;
  money: Promise<MoneyUnderWay>;
  answers: Map<string, Answer>;
  /** Resolves when the last question to Crypto Pay is answered: one is asked at a time. */
  asked: Promise<void>;
};

/** An invoice that Crypto Pay does not know, or that has expired, can no longer be paid. */
function answerOf(id: string, { known, unreadable }: InvoicesById): Answer {
  if (unreadable.has(id)) return 'unknown';
  const status = known.get(id)?.status;
  if (status === 'paid') return 'paid';
  if (status === 'active') return 'open';
  return status === undefined || status === 'expired' ? 'over' : 'unknown';
}

/** An open invoice as Crypto Pay sees it; undefined where nobody can pay it. It was asked unless something stronger decides. */
function decidedBy(one: UnderWay, answers: ReadonlyMap<string, Answer>): UnderWay | undefined {
  const answer = answers.get(one.invoiceId!) ?? 'open';
  if (answer === 'over') return undefined;
  const { invoiceId, paymentId } = one;
  return answer === 'paid' ? { state: 'paid', because: 'crypto_pay', paymentId, invoiceId } : { ...one, state: answer };
}

const STRONGEST_FIRST: readonly MoneyState[] = ['promised', 'paid', 'unknown', 'open'];

const strongest = (underWay: readonly UnderWay[]): MoneyState =>
  STRONGEST_FIRST.find((state) => underWay.some((one) => one.state === state)) ?? 'none';
