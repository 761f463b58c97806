import type { Middleware } from '../compose.ts';
import { parsePayload } from '../payload.ts';

/** Parses the payload again, because a job may be older than the code. A payload that does not parse is a permanent failure. */
export const parse: Middleware = (run, next) => next({ ...run, payload: parsePayload(run.task, run.payload) });
