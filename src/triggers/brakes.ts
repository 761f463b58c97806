import { z } from 'zod';
import { days } from '../lib/duration.ts';
import type { Locale } from '../lib/locale.ts';
import type { AuditTrail } from '../repositories/audit-trail.ts';
import { ANSWER_HOLDS_MS } from '../repositories/redis/brakes/brake-records.ts';
import type { Act } from './act.ts';
import type { RowPlace } from './row-cursor.ts';

/** An effect that is held until an admin decides. */
export type HeldBrake = {
  name: string;
  /** A sentence: what is held and why. */
  held: Readonly<Record<Locale, string>>;
  /** Undefined where it was not recorded. */
  since: Date | undefined;
  /** The decisions that an admin can make. */
  decisions: readonly string[];
  /** What the held run would do, as an export; undefined where no list was made, or none can be. */
  list: { exportId: string; rows: number; at: Date; expiresAt: Date } | undefined;
  /** Where messages are held: those that were due before this. */
  messagesDueBefore?: Date;
};

/** All that is held, and the answers to it. */
export type BrakesContext = {
  brakes: {
    list(): Promise<readonly HeldBrake[]>;
    /** Returns a sentence that says what was done. Throws for an unknown brake or decision. */
    confirm(name: string, decision: string): Promise<string>;
  };
  auditTrail: Pick<AuditTrail, 'search'>;
  clock(): Date;
};

/** `unknown`: nothing is held under that name. `wrong`: it has no such decision. */
export type Decided =
  | { kind: 'done'; act: Act; done: string; held: HeldBrake }
  | { kind: 'unknown' }
  | { kind: 'wrong'; decisions: readonly string[] };

/** Decides about what is held. `act` is for the audit trail, where the answers to a brake are read from. */
export async function decideBrake(
  { brakes }: Pick<BrakesContext, 'brakes'>,
  name: string,
  decision: string,
): Promise<Decided> {
  const held = (await brakes.list()).find((brake) => brake.name === name);
  if (!held) return { kind: 'unknown' };
  if (!held.decisions.includes(decision)) return { kind: 'wrong', decisions: held.decisions };
  const done = await brakes.confirm(name, decision);
  const details = { decision, held: held.held.en, done };
  return { kind: 'done', done, held, act: { action: CONFIRMED, entityType: 'brake', entityId: name, details } };
}

const CONFIRMED = 'brake.confirmed';

/** Answers are looked for in so many days. */
export const ANSWERS_OF_DAYS = 90;
export const ANSWERS_LISTED = 20;

/** One answer to what a brake held. */
export type BrakeAnswer = {
  id: string;
  at: Date;
  by: string | undefined;
  role: string | undefined;
  decision: string;
  held: string | undefined;
  done: string | undefined;
  /** Until when a decision about a run holds; undefined for one that was carried out at once. */
  holdsUntil: Date | undefined;
};

const Details = z.object({ decision: z.string(), held: z.string(), done: z.string() }).partial();

/** One page of what was answered to this brake, the newest first. */
export async function brakeAnswers(
  { auditTrail, clock }: Pick<BrakesContext, 'auditTrail' | 'clock'>,
  name: string,
  { after, limit = ANSWERS_LISTED }: { after?: RowPlace | undefined; limit?: number },
): Promise<{ answers: readonly BrakeAnswer[]; next: RowPlace | undefined }> {
  const from = new Date(clock().getTime() - days(ANSWERS_OF_DAYS));
  const filter = { action: CONFIRMED, entities: [name], from };
  const { entries, next } = await auditTrail.search(filter, { after, limit });
  const answers = entries.map(({ at, by, id, newValue, role }) => {
    const { decision = '', done, held } = Details.safeParse(newValue).data ?? {};
    // A backlog is sent or dropped at once.
    const isDone = decision === 'send' || decision === 'drop';
    const holdsUntil = isDone ? undefined : new Date(at.getTime() + ANSWER_HOLDS_MS);
    return { id, at, by, role, decision, done, held, holdsUntil };
  });
  return { answers, next };
}

/** A held effect, as programs read it. */
export const heldBody = ({ decisions, held, list, name, since }: HeldBrake) => ({
  ...{ name, decisions: [...decisions] },
  held: held.en,
  ...(since && { since: since.toISOString() }),
  ...(list && {
    list: {
      export_id: list.exportId,
      rows: list.rows,
      at: list.at.toISOString(),
      expires_at: list.expiresAt.toISOString(),
    },
  }),
});

/** An answer, as programs read it. */
export const brakeAnswerBody = ({ at, by, decision, done, held, holdsUntil, role }: BrakeAnswer) => ({
  ...{ at: at.toISOString(), decision },
  ...(by !== undefined && { by }),
  ...(role !== undefined && { role }),
  ...(held !== undefined && { held }),
  ...(done !== undefined && { done }),
  ...(holdsUntil && { holds_until: holdsUntil.toISOString() }),
});
