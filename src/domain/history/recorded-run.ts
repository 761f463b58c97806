import { hash, randomUUID } from 'node:crypto';
import { errorFingerprint } from '../../lib/error-fingerprint.ts';
import { errorCode, errorMessage } from '../../lib/errors.ts';
import type { RunRow } from '../../repositories/history/run-rows.ts';
import type { EndedAttempt } from '../../runtime/middleware/record-run.ts';
import { withoutSecrets } from '../../triggers/http/auth/secrets.ts';

/** A payload up to this many characters is kept as it is; of a longer one, its digest. */
const PAYLOAD_KEPT = 2_000;
const ERROR_KEPT = 1_000;
/** Ids and names come from outside, and stand in indexes, whose entries are limited. */
const NAME_KEPT = 200;

/** The fields of payloads that name one customer, the surest first. */
const CUSTOMER_FIELDS = ['telegram_id', 'user_uuid', 'username', 'email'] as const;

/** An attempt in the form in which it is kept. `mask` hides the secrets of the configuration. */
export function recordedRun(
  { durationMs, error, outcome, run }: EndedAttempt,
  endedAt: Date,
  mask: (text: string) => string,
): RunRow {
  const { context, job, task } = run;
  return {
    id: randomUUID(),
    job_id: kept(context.jobId, NAME_KEPT),
    task: kept(task.name, NAME_KEPT),
    queue: job.queue,
    outcome,
    attempt: context.attempt,
    replays: context.replays,
    queued_at_ms: context.enqueuedAt.getTime(),
    ended_at_ms: endedAt.getTime(),
    duration_ms: rounded(durationMs),
    waited_ms: rounded(Math.max(0, job.waitedMs)),
    correlation_id: kept(context.correlationId, NAME_KEPT),
    initiated_by: kept(context.initiatedBy, NAME_KEPT),
    source: job.data.source,
    ...payloadOf(job.data.payload, mask),
    ...(outcome === 'success' ? NO_ERROR : errorOf(error, mask)),
  };
}

const NO_ERROR = { error_class: null, error_text: null, error_fingerprint: null } as const;

function errorOf(
  error: unknown,
  mask: (text: string) => string,
): Pick<RunRow, 'error_class' | 'error_text' | 'error_fingerprint'> {
  const code = kept(errorCode(error), NAME_KEPT);
  const text = kept(mask(errorMessage(error).slice(0, 4 * ERROR_KEPT)), ERROR_KEPT);
  return { error_class: code, error_text: text, error_fingerprint: errorFingerprint(code, text) };
}

function payloadOf(
  payload: Readonly<Record<string, unknown>>,
  mask: (text: string) => string,
): Pick<RunRow, 'customer' | 'payload' | 'payload_digest'> {
  const field = CUSTOMER_FIELDS.find((name) => isName(payload[name]));
  const customer = field === undefined ? null : kept(String(payload[field]), NAME_KEPT);
  // The digest is of what may be seen: a digest of a short code would tell the code.
  const text = mask(JSON.stringify(withoutSecrets(payload)));
  if (text.length <= PAYLOAD_KEPT) return { customer, payload: text, payload_digest: null };
  return { customer, payload: null, payload_digest: hash('sha256', text) };
}

const isName = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || (typeof value === 'number' && Number.isSafeInteger(value));

/** A text that PostgreSQL can keep. */
const kept = (text: string, most: number): string => text.slice(0, most).replaceAll('\0', '\u{FFFD}').toWellFormed();

/** To a hundredth of a millisecond. */
const rounded = (ms: number): number => Math.round(ms * 100) / 100;
