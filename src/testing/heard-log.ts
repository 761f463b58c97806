import type { Log } from '../observability/log.ts';

/** A log that hands its warnings to `warn`, and all other lines to `log`. */
export const heardLog = (log: Log, warn: Log['warn']): Log => ({
  warn,
  debug: (fields, message) => log.debug(fields, message),
  info: (fields, message) => log.info(fields, message),
  error: (fields, message) => log.error(fields, message),
  child: (fields) => log.child(fields),
});
