import type { PanelUser } from '../../clients/remnawave/types.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { Locale } from '../../lib/locale.ts';
import type { Log } from '../../observability/log.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import type { Database } from '../../repositories/database.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import type { Payments } from '../../repositories/payments.ts';
import type { DeskAnswer, DeskContext, DeskList, DeskPayment, DeskQuery } from '../../triggers/payment-desk.ts';
import type { PaymentClosing } from './closing.ts';
import { type DeskKnowledge, type DeskRequest, type DeskRuling, ruleOn } from './desk-rules.ts';
import { type DeskViewDependencies, deskLine, deskPayment } from './desk-view.ts';
import { panelUsersNamed } from './panel-lookup.ts';
import type { PanelUserResolver } from './panel-user.ts';

/** A paid payment is active within 10 minutes. One that is still open after this long is shown to a person. */
const OPEN_TOO_LONG_MS = minutes(15);
/** The limit of one act or one view, which ask the panel, Crypto Pay and PostgreSQL. */
const ACT_MS = seconds(20);
/** A panel that keeps whole seconds still has the date that was promised. */
const ROUNDING_MS = seconds(1);

export type PaymentDeskDependencies = DeskViewDependencies & {
  auditLogs: AuditLogs;
  closing: PaymentClosing;
  /** The time that all workers share. */
  clock(): Date;
  database: Database;
  log: Log;
  payments: Payments;
  resolver: PanelUserResolver;
  /** Has the payment completed by a job of its own, and answers that job's id. */
  handOver(payment: Payment, by: string): Promise<string>;
};

/** The user of an act, or the answer where the act ends without one. */
type Looked = { user: PanelUser } | { user?: undefined; answer: DeskAnswer };

/**
 * What waits for a person, and the acts that solve it. An act is one transaction under the row's lock: the decision, and who made it. It is
 * carried out by the completion of the payment, which a lost job or a killed process only delays, so a second click changes nothing.
 */
export class PaymentDesk implements DeskContext {
  readonly #dependencies: PaymentDeskDependencies;

  constructor(dependencies: PaymentDeskDependencies) {
    this.#dependencies = dependencies;
  }

  async list({ all, locale, open, ...query }: DeskQuery): Promise<DeskList> {
    const page = await this.#dependencies.desk.list({ ...query, isAll: all, isOpen: open, late: this.#late() });
    return {
      payments: page.rows.map((row) => deskLine(row, locale)),
      unreadable: page.holes.map(({ field, item, problem }) => ({ item, problem: `${field}: ${problem}` })),
      next: page.next,
    };
  }

  async show(id: string, locale: Locale): Promise<DeskPayment | undefined> {
    const { desk, payments } = this.#dependencies;
    // Asked first, as a row that cannot be read is an error here and no missing payment.
    if (!(await payments.find(id))) return undefined;
    const { rows } = await desk.list({ find: id, isAll: true, isOpen: false, late: this.#late(), limit: 100 });
    const row = rows.find(({ payment }) => payment.id === id);
    return row && (await deskPayment(row, this.#dependencies, locale, AbortSignal.timeout(ACT_MS)));
  }

  async check(id: string, by: string): Promise<DeskAnswer> {
    const { auditLogs, payments } = this.#dependencies;
    const payment = await payments.find(id);
    if (!payment) return unknownPayment(id);
    const { mark, provider, status } = payment;
    if (provider !== 'cryptobot')
      return refused(`Payment ${id}: its provider is ${provider}; only cryptobot is looked at here.`);
    if (mark.closed || mark.activation === 'done' || status === 'refunded')
      return { outcome: 'already', sentence: `Payment ${id} is over: nothing is looked at.`, decision: undefined };
    await auditLogs.write([{ ...auditOf(payment), action: 'payment.check_asked', newValue: { by } }]);
    const jobId = await this.#handOver(payment, by);
    const sentence = `Payment ${id} is looked at again now.`;
    return { outcome: 'done', sentence, decision: undefined, jobId };
  }

  async assign(id: string, by: string, name: string): Promise<DeskAnswer> {
    const signal = AbortSignal.timeout(ACT_MS);
    const payment = await this.#dependencies.payments.find(id);
    if (!payment) return unknownPayment(id);
    const looked = await this.#named(name, signal);
    if (!looked.user) return looked.answer;
    return this.#act(payment, { act: 'assign', by, user: looked.user }, signal);
  }

  async extend(
    id: string,
    by: string,
    options: { days?: number | undefined; user?: string | undefined },
  ): Promise<DeskAnswer> {
    const signal = AbortSignal.timeout(ACT_MS);
    const payment = await this.#dependencies.payments.find(id);
    if (!payment) return unknownPayment(id);
    const { days, user: name } = options;
    const looked = await (name === undefined ? this.#buyer(payment, signal) : this.#named(name, signal));
    if (!looked.user) return looked.answer;
    return this.#act(payment, { act: 'extend', by, user: looked.user, days }, signal);
  }

  async given(id: string, by: string): Promise<DeskAnswer> {
    const payment = await this.#dependencies.payments.find(id);
    if (!payment) return unknownPayment(id);
    return this.#act(payment, { act: 'given', by }, AbortSignal.timeout(ACT_MS));
  }

  async close(id: string, by: string, reason: string | undefined): Promise<DeskAnswer> {
    const { log, payments } = this.#dependencies;
    const signal = AbortSignal.timeout(ACT_MS);
    const payment = await payments.find(id);
    if (!payment) return unknownPayment(id);
    const answer = await this.#act(payment, { act: 'close', by, reason }, signal);
    const closed = await payments.find(id);
    // A backend that is away is asked again by the verification of pending payments, which finds the row closed.
    if (closed?.mark.closed && closed.status === 'pending')
      await this.#endUnpaid(closed, signal).catch((err: unknown) =>
        log.warn({ err, payment_id: id }, 'closed payment not ended yet'),
      );
    return answer;
  }

  /** An invoice that is still open is deleted first, so that nobody pays for a payment that is over. */
  async #endUnpaid(payment: Payment, signal: AbortSignal): Promise<void> {
    const { closing, invoices } = this.#dependencies;
    const { known } = await invoices.byId([payment.invoiceId], signal);
    await closing.unpaid(payment, { invoice: known.get(payment.invoiceId ?? ''), tell: false }, signal);
  }

  async #act(payment: Payment, request: DeskRequest, signal: AbortSignal): Promise<DeskAnswer> {
    const known = await this.#known(payment, request, signal);
    const ruling = await this.#decide(payment, request, known);
    if (ruling === undefined) return unknownPayment(payment.id);
    if (ruling.kind === 'refused') return refused(ruling.sentence);
    if (ruling.kind === 'already') return { outcome: 'already', sentence: ruling.sentence, decision: ruling.decision };
    const { decision } = ruling;
    const jobId = request.act === 'close' ? undefined : await this.#handOver(payment, request.by);
    return { outcome: 'done', sentence: doneInWords(payment.id, request), decision, jobId };
  }

  /** The one place where a decision is written: under the row's lock, together with who made it. */
  async #decide(seen: Payment, request: DeskRequest, known: DeskKnowledge): Promise<DeskRuling | undefined> {
    const { auditLogs, database, payments } = this.#dependencies;
    return database.transaction().execute(async (transaction) => {
      const within = payments.within(transaction);
      const row = await within.findLocked(seen.id);
      if (!row) return undefined;
      // Days that were promised since the panel was read may have reached it.
      const isNews =
        row.mark.target_expire_at !== undefined && row.mark.target_expire_at !== seen.mark.target_expire_at;
      const ruling = ruleOn(row, request, isNews ? { ...known, promise: 'built_upon' } : known, await within.clock());
      if (ruling.kind !== 'write') return ruling;
      await within.mark(row.id, ruling.patch);
      const { act, at, ...decided } = ruling.decision;
      await auditLogs.write([{ ...auditOf(row), action: ACTIONS[request.act], newValue: decided }], transaction);
      return ruling;
    });
  }

  async #known(payment: Payment, { act }: DeskRequest, signal: AbortSignal): Promise<DeskKnowledge> {
    const promise = act === 'given' ? 'none' : await this.#promise(payment, signal);
    const isPaid = act === 'assign' || act === 'close' || (await this.#isPaid(payment, signal));
    return { isPaid, promise };
  }

  async #promise(payment: Payment, signal: AbortSignal): Promise<DeskKnowledge['promise']> {
    const { panel, payments } = this.#dependencies;
    const { activation, panel_name: name, panel_user: id, target_expire_at: target } = payment.mark;
    if (activation !== 'pending' || target === undefined || (name ?? id) === undefined) return 'none';
    const user = name === undefined ? await panel.user(id!, signal) : await panel.userByUsername(name, signal);
    if (!user) return 'gone';
    const until = new Date(target);
    if (user.expireAt.getTime() > until.getTime() - ROUNDING_MS) return 'reached';
    const latest = await payments.latestTarget([payment.customerId], user, new Date(payment.mark.recorded_at ?? 0));
    return latest && latest > until ? 'built_upon' : 'open';
  }

  /** A payment that waits for a person because of its invoice, or that somebody completed, was paid; of others Crypto Pay knows. */
  async #isPaid(payment: Payment, signal: AbortSignal): Promise<boolean> {
    const { mark, status } = payment;
    if (status === 'completed' || mark.activation === 'pending' || mark.mismatch || PAID.has(mark.needs?.why ?? ''))
      return true;
    try {
      return (await this.#dependencies.invoices.of(payment, signal)).status === 'paid';
    } catch (error) {
      // There is no such invoice, so nobody paid it.
      if (error instanceof PermanentError) return false;
      throw error;
    }
  }

  async #named(name: string, signal: AbortSignal): Promise<Looked> {
    const users = await panelUsersNamed(this.#dependencies.panel, name, signal);
    if (users.length === 1) return { user: users[0]! };
    const sentence =
      users.length === 0
        ? `The panel has no user '${name}', neither as id, uuid nor username. \`show\` lists those that come into question.`
        : `'${name}' is the id of one panel user and the name of another: ${users.map(({ id, username }) => `${username} (${id})`).join(', ')}. Use the username of the one or the id of the other.`;
    return { answer: { outcome: 'refused', because: 'unknown_panel_user', sentence } };
  }

  async #buyer(payment: Payment, signal: AbortSignal): Promise<Looked> {
    const resolved = await this.#dependencies.resolver.resolve(payment, signal);
    if (resolved.kind === 'found') return { user: resolved.user };
    return {
      answer: refused(
        `Payment ${payment.id}: it is not clear which panel user it is for. Name one; \`show\` lists those that come into question.`,
      ),
    };
  }

  /** The decision stands in the row, so the verification of pending payments carries it out where this job is not made. */
  async #handOver(payment: Payment, by: string): Promise<string | undefined> {
    const { handOver, log } = this.#dependencies;
    return handOver(payment, by).catch((err: unknown) => {
      log.warn({ err, payment_id: payment.id }, 'payment not handed over; the next verification does it');
      return undefined;
    });
  }

  #late(): Date {
    return new Date(this.#dependencies.clock().getTime() - OPEN_TOO_LONG_MS);
  }
}

/** Reasons to wait that only a paid invoice leads to. */
const PAID: ReadonlySet<string> = new Set(['mismatch', 'unresolved', 'in_vain', 'gift_waits']);

const ACTIONS = {
  assign: 'payment.assigned',
  extend: 'payment.extension_decided',
  given: 'payment.said_given',
  close: 'payment.closed',
} as const satisfies Record<DeskRequest['act'], string>;

const auditOf = ({ id, mark, status }: Payment) => ({
  entityType: 'payment',
  entityId: id,
  oldValue: {
    status,
    activation: mark.activation ?? null,
    needs: mark.needs?.why ?? null,
    decision: mark.decision ?? null,
  },
});

function doneInWords(id: string, request: DeskRequest): string {
  switch (request.act) {
    case 'assign':
      return `Payment ${id} is for panel user ${request.user.username}; the worker gives the bought days now.`;
    case 'extend':
      return `Payment ${id}: the worker gives panel user ${request.user.username} the days now, once.`;
    case 'given':
      return `Payment ${id}: a person gave the days. It is completed, and the panel is left as it is.`;
    case 'close':
      return `Payment ${id} is closed: nothing remains to be done, and no days are given.`;
  }
}

const refused = (sentence: string): DeskAnswer => ({ outcome: 'refused', because: 'not_possible', sentence });

const unknownPayment = (id: string): DeskAnswer => ({
  outcome: 'refused',
  because: 'unknown_payment',
  sentence: `There is no payment ${id}; \`list\` finds payments by invoice, customer, Telegram id and username.`,
});
