import { days, seconds } from '../../../src/lib/duration.ts';
import type { Evidence, PaymentEvidence, Violation } from '../evidence.ts';
import type { AskedPayment, Customer } from '../load/asked.ts';

/** The panel keeps milliseconds; the worker accepts a second of rounding. */
const ROUNDING_MS = seconds(1);

const isPaid = ({ mood }: AskedPayment): boolean => mood === 'pays' || mood === 'silent';

/** No money is lost or given away: a payment ends once, as its customer's action requires. */
export function paymentsWrong({ asked, payments }: Evidence): Violation[] {
  return asked.payments.flatMap((payment) => {
    const seen = payments.get(payment.id);
    const atMs = payment.actedAtMs ?? 0;
    if (!seen) return [{ rule: 'no money lost', atMs, what: `payment ${payment.id} is gone` }];
    return faultsOf(payment, seen).map((fault) => ({
      rule: 'no money lost',
      atMs,
      what: `payment ${payment.id} (${payment.mood}, ${payment.customer}): ${fault}`,
    }));
  });
}

function faultsOf(payment: AskedPayment, seen: PaymentEvidence): string[] {
  const faults: string[] = [];
  const wanted = statusAfter(payment);
  if (seen.status !== wanted) faults.push(`is ${seen.status}, should be ${wanted}`);
  if (isPaid(payment)) {
    if (seen.activation !== 'done') faults.push(`its activation is ${seen.activation}`);
    if (seen.completions !== 1) faults.push(`${seen.completions} completions in the audit trail`);
    if (seen.confirmations !== 1) faults.push(`${seen.confirmations} confirmations queued`);
    const given = (seen.targetMs ?? 0) - (seen.basisMs ?? 0);
    if (given !== days(payment.days)) faults.push(`gave ${given / days(1)} days instead of ${payment.days}`);
  } else {
    if (seen.completions > 0) faults.push('was completed though nobody paid it rightly');
    if (seen.targetMs !== undefined) faults.push('promises days');
  }
  if (payment.mood === 'mismatch' && !seen.isMismatched) faults.push('is not marked as a mismatch');
  return faults;
}

function statusAfter({ actedAtMs, mood }: AskedPayment): string {
  if (mood === 'pays' || mood === 'silent') return 'completed';
  return mood === 'expires' && actedAtMs !== undefined ? 'failed' : 'pending';
}

/** Each payment extends a subscription exactly once: the panel has the sum of all paid days. */
export function extensionsWrong({ asked, endedAtMs, panelUsers, startedAtMs }: Evidence): Violation[] {
  return asked.customers.flatMap((customer) => {
    const paid = asked.payments.filter((payment) => payment.customer === customer.username && isPaid(payment));
    const user = panelUsers.get(customer.username);
    if (!user)
      return [{ rule: 'one extension per payment', atMs: 0, what: `${customer.username} is gone from the panel` }];
    const [least, most] = expected(customer, paid, startedAtMs, endedAtMs);
    const has = user.expireAtMs;
    if (has >= least - ROUNDING_MS && has <= most + ROUNDING_MS) return [];
    const off = ((has < least ? has - least : has - most) / days(1)).toFixed(2);
    const what = `${customer.username} paid ${paid.length} times and is off by ${off} days`;
    return [
      { rule: 'one extension per payment', atMs: Math.max(0, ...paid.map(({ actedAtMs }) => actedAtMs ?? 0)), what },
    ];
  });
}

/** Days are added to the expiry, or where that has passed, to the moment of the first activation. */
function expected(customer: Customer, paid: readonly AskedPayment[], startMs: number, endMs: number): [number, number] {
  const bought = paid.reduce((sum, payment) => sum + days(payment.days), 0);
  if (paid.length === 0 || customer.expireAtMs > startMs)
    return [customer.expireAtMs + bought, customer.expireAtMs + bought];
  return [startMs + bought, endMs + bought];
}
