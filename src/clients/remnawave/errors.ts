import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import { BreakerOpenError, PermanentError, SnoozeError, TransientError } from '../../lib/errors.ts';
import { scopeOf } from './scope-of.ts';

/** The panel understood and refused: running the same again cannot help. */
export class PanelRefusal extends PermanentError {
  override name = 'PanelRefusal';
  readonly status: number;
  /** The panel's own code, `A025`; absent where the framework refused before the panel looked at the request. */
  readonly panelCode: string | undefined;

  constructor(code: string, message: string, answer: { status: number; panelCode: string | undefined }) {
    super(code, message);
    this.status = answer.status;
    this.panelCode = answer.panelCode;
  }
}

/** The panel, or a proxy before it, failed. */
export class PanelFailure extends TransientError {
  override name = 'PanelFailure';
  readonly status: number;
  /** Whether the panel itself failed, and no proxy before it. */
  readonly isOfPanel: boolean;
  /** The panel's own code. */
  readonly panelCode: string | undefined;

  constructor(code: string, message: string, answer: PanelFailureAnswer) {
    super(code, message, answer);
    this.status = answer.status;
    this.isOfPanel = answer.isOfPanel ?? false;
    this.panelCode = answer.panelCode;
  }
}

type PanelFailureAnswer = {
  status: number;
  isOfPanel?: boolean;
  panelCode?: string | undefined;
  retryAfterMs?: number | undefined;
};

/**
 * The four shapes in which the panel says no: authorisation `{message, statusCode}`, validation `{statusCode, message, errors[]}`,
 * domain `{timestamp, path, message, errorCode}`, framework `{message, error, statusCode}`.
 */
const Complaint = z.object({
  // An odd field must not hide the code: by it an object that is missing is told from a wrong URL.
  message: z
    .union([z.string(), z.array(z.string()).transform((all) => all.join(', '))])
    .optional()
    .catch(undefined),
  errorCode: z.string().optional().catch(undefined),
  errors: z.array(z.unknown()).catch([]).transform(readableIssues),
});

/** One field that the panel complains of. */
const Issue = z.object({
  path: z.array(z.union([z.string(), z.number()])).catch([]),
  message: z.string().catch(''),
});

function readableIssues(raw: readonly unknown[]): z.output<typeof Issue>[] {
  return raw.flatMap((one) => Issue.safeParse(one).data ?? []);
}

type Answer = { status: number; text: string; retryAfter: string | null; location: string | null };

/** The error that an answer other than 2xx means. `endpoint` names the route without ids. */
export function panelError(endpoint: string, answer: Answer): PanelRefusal | PanelFailure {
  const { status } = answer;
  const complaint = complaintOf(answer.text);
  const panelCode = complaint?.errorCode;
  const at = `remnawave ${endpoint}: ${status} ${describe(complaint, answer)}`;
  const refusal = (code: string, message: string) => new PanelRefusal(code, message, { status, panelCode });

  if (status === 401 || status === 403) {
    const [method = '', path = ''] = endpoint.split(' ');
    const lack =
      status === 403 ? `, or does it lack the scope ${scopeOf(method, path)}` : ', or is it of another panel';
    return refusal('remnawave_unauthorized', `${at}; check REMNAWAVE_API_TOKEN: was the token revoked${lack}?`);
  }
  if (status >= 300 && status < 400) {
    return refusal('remnawave_redirected', `${at}; check REMNAWAVE_URL`);
  }
  if (status === 408 || status === 425 || status === 429) {
    const retryAfterMs = waitOf(answer.retryAfter);
    return new PanelFailure('remnawave_rate_limited', at, { status, retryAfterMs });
  }
  if (status >= 500) {
    return new PanelFailure('remnawave_unavailable', at, {
      ...{ status, panelCode, isOfPanel: complaint !== undefined },
      retryAfterMs: waitOf(answer.retryAfter),
    });
  }
  if (status === 404 && complaint === undefined) {
    // A proxy whose panel is away, as Traefik answers then. A wrong address looks the same, and is as well put right while a retry waits.
    return new PanelFailure('remnawave_unavailable', `${at}; check REMNAWAVE_URL`, { status });
  }
  if (status === 404 && panelCode === undefined) {
    return refusal('remnawave_no_route', `${at}; the panel has no such route: check REMNAWAVE_URL and its version`);
  }
  return refusal('remnawave_rejected', at);
}

/** 404 with a code of the panel: the object is missing. (Without a code the route is.) */
export function isMissing(error: unknown): boolean {
  return error instanceof PanelRefusal && error.status === 404 && error.panelCode !== undefined;
}

/**
 * Whether the panel may have done what it was asked for, although the call failed: the answer was late, cut, a 5xx or not readable. Nothing
 * was done where it refused, let us wait, or was not called.
 */
export function isAnswerLost(error: unknown): boolean {
  if (!(error instanceof TransientError) || error instanceof BreakerOpenError) return false;
  return error.code !== 'remnawave_rate_limited';
}

/** `Get all users error`: also the answer of a panel that is asked to sort by what its users do not have. */
const LISTING_FAILED = 'A024';

/** Whether an error could mean that the panel was up- or downgraded since we asked for its version. Such a call has done nothing. */
export function looksLikeOtherGeneration(error: unknown): boolean {
  if (error instanceof PanelRefusal)
    return error.panelCode === undefined && (error.status === 400 || error.status === 404);
  if (error instanceof PanelFailure && error.panelCode === LISTING_FAILED) return true;
  return error instanceof TransientError && error.code === 'remnawave_schema';
}

/**
 * Whether the panel was away, as it is while it is up- or downgraded. Proxies answer in its place with many a status, so only a 500 with an
 * answer of the panel's own is taken for a failure of that one call.
 */
export function mayHaveBeenReplaced(error: unknown): boolean {
  if (error instanceof BreakerOpenError) return true;
  if (error instanceof PanelFailure) return error.status !== 500 || !error.isOfPanel;
  return error instanceof TransientError && AWAY.has(error.code);
}

const AWAY = new Set(['remnawave_unreachable', 'remnawave_timeout']);

/** To act on an id that only another generation of panel has. */
export function foreignId(id: string): PermanentError {
  const message = `remnawave: ${id} is an id of another generation of panel than the one that is there now: nothing was done; name the user by the id that the panel has now`;
  return new PermanentError('remnawave_foreign_id', message);
}

/**
 * The panel is another generation than the one that a run began with. Its users have other ids, so nothing was done, and the run begins
 * again with what it finds now. That uses no attempt.
 */
export class GenerationChanged extends SnoozeError {
  override name = 'GenerationChanged';
  readonly code = 'remnawave_generation_changed';

  constructor(from: string, to: string, options: ErrorOptions) {
    const message = `remnawave: the panel went from ${from} to ${to}, and its users have other ids now; nothing was done, and the run begins again`;
    super(message, { ...options, delayMs: BEGIN_AGAIN_AFTER_MS });
  }
}

const BEGIN_AGAIN_AFTER_MS = seconds(1);

function complaintOf(text: string): z.output<typeof Complaint> | undefined {
  try {
    return Complaint.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function describe(complaint: z.output<typeof Complaint> | undefined, answer: Answer): string {
  if (answer.location !== null) return `redirect to ${answer.location}`;
  if (complaint === undefined) return '(no answer of the panel itself: a proxy before it?)';
  const fields = complaint.errors.slice(0, 3).map(({ path, message }) => `${path.join('.')}: ${message}`);
  return [complaint.errorCode, complaint.message, ...fields].filter(Boolean).join(', ') || '(without a reason)';
}

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3). A proxy's clock may differ, so a date in the past means at once. */
function waitOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const delay = Number(retryAfter);
  const waitMs = Number.isNaN(delay) ? Date.parse(retryAfter) - Date.now() : seconds(delay);
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}
