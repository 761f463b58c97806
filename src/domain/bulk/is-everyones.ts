import { mayHaveBeenReplaced, PanelRefusal } from '../../clients/remnawave/errors.ts';
import { errorCode, PermanentError, TransientError } from '../../lib/errors.ts';

/**
 * Whether every user would fail alike: the panel does not let us in, or is away, also where a proxy answers in its place. A call that was
 * slow may have been slow for this user, and a 500 of the panel itself may be about this user.
 */
export function isEveryones(error: unknown): boolean {
  if (error instanceof PanelRefusal) return error.code !== 'remnawave_rejected';
  if (error instanceof TransientError) return mayHaveBeenReplaced(error) && errorCode(error) !== 'remnawave_timeout';
  return !(error instanceof PermanentError);
}
