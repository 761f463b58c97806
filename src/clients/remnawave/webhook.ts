import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { PermanentError } from '../../lib/errors.ts';
import { jsonTextProblem } from '../../lib/json-limits.ts';
import { utf8In } from '../../lib/utf8-in.ts';
import { date, soft } from './schemas.ts';

/** Whom an event names. Panels 2.x give a uuid and a number, panels 3.x a number only; the name is in both. */
export type EventUser = { username: string | undefined; ids: readonly string[] };

/** A bill for a node that the panel reminds of. */
export type InfraBill = { node: string; provider: string; dueAt: Date };

/** What an event asks us to look at. */
export type EventSubject =
  | { kind: 'user'; user: EventUser }
  | { kind: 'node'; uuid: string | undefined }
  | { kind: 'bill'; bill: InfraBill }
  /** Nothing here follows from it. */
  | { kind: 'none' };

/** An event of the panel: a signal to look, never a fact. It has no id, comes in any order, twice, or not at all. */
export type PanelEvent = {
  /** `user.limited`. */
  name: string;
  /** When the panel sent it, by the signed body; undefined where it does not say. */
  at: Date | undefined;
  subject: EventSubject;
};

/**
 * Whether the panel signed exactly these bytes: `X-Remnawave-Signature` is their HMAC-SHA256, lower-case hex. Takes as long for a nearly
 * right signature as for a wrong one.
 */
export function isSignedEvent(rawBody: Buffer, header: string | undefined, secret: string): boolean {
  const expected = Buffer.from(createHmac('sha256', secret).update(rawBody).digest('hex'), 'utf8');
  const given = Buffer.from(header ?? '', 'utf8');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const Envelope = z.object({
  // It goes into a column of 100 characters, and takes no NUL.
  event: z.string().regex(/^[\w.:-]{1,100}$/),
  timestamp: soft(date),
  data: z.unknown().optional(),
});

const id = soft(z.union([z.string().min(1).max(64), z.int().positive().transform(String)]));
/** The secrets of a user are not read. */
const User = z.object({ username: soft(z.string().min(1).max(200)), uuid: id, id });
const Node = z.object({ uuid: soft(z.uuid()) });
const Bill = z.object({
  nodeName: z.string().min(1).max(200),
  providerName: z.string().min(1).max(200),
  nextBillingAt: date,
});

/** Reads a body whose signature was verified. Throws `PermanentError` that names what does not fit: the same bytes never will. */
export function readEvent(rawBody: Buffer): PanelEvent {
  const envelope = Envelope.safeParse(jsonIn(rawBody));
  if (!envelope.success) {
    const paths = envelope.error.issues.map(({ path }) => path.join('.') || 'the whole');
    throw unfit(`is no event: ${paths.join(', ')}`);
  }
  const { data, event: name, timestamp: at } = envelope.data;
  return { name, at, subject: subjectOf(name, data) };
}

function subjectOf(name: string, data: unknown): EventSubject {
  const [scope] = name.split('.');
  if (scope === 'user') {
    const { id: number, username, uuid } = User.safeParse(data).data ?? {};
    return { kind: 'user', user: { username, ids: [uuid, number].filter((one) => one !== undefined) } };
  }
  if (scope === 'node') return { kind: 'node', uuid: Node.safeParse(data).data?.uuid };
  const bill = scope === 'crm' ? Bill.safeParse(data).data : undefined;
  if (!bill) return { kind: 'none' };
  return { kind: 'bill', bill: { node: bill.nodeName, provider: bill.providerName, dueAt: bill.nextBillingAt } };
}

function jsonIn(rawBody: Buffer): unknown {
  const text = utf8In(rawBody);
  const tooMuch = jsonTextProblem(rawBody);
  if (tooMuch !== undefined) throw unfit(tooMuch);
  try {
    return JSON.parse(text ?? '');
  } catch {
    // The cause would quote the body.
    throw unfit(`of ${rawBody.length} bytes is no JSON in UTF-8`);
  }
}

const unfit = (problem: string): PermanentError =>
  new PermanentError('remnawave_schema', `remnawave webhook: the body ${problem}`);
