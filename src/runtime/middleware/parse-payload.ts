import type { Middleware } from '../compose.ts';
import { parsePayload } from '../dispatcher.ts';

/** Parses again what was checked at the door: a job may be older than the code. A payload that does not parse is permanent. */
export const parse: Middleware = (run, next) => next({ ...run, payload: parsePayload(run.task, run.payload) });
