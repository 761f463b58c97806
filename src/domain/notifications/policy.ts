import { hours, minutes, seconds } from '../../lib/duration.ts';

/** Delays and limits of sending; docs/notifications.md has the table. */

/** A claimed row is ours for this long; a worker that dies leaves it to become due again then. */
export const LEASE_MS = minutes(5);

/** A send begins only while this much of the lease remains: a process that was stopped and woke up late must not send what another has taken over. */
export const LEASE_RESERVE_MS = minutes(1);

/** Delay after the first, second, … failed attempt of a row. */
export const RETRY_DELAYS_MS = [seconds(30), minutes(1), minutes(5), minutes(15), hours(1)] as const;

/** A row of which nobody can say whether it still holds is asked about again after this: as long as a silent panel is left alone. */
export const UNCLEAR_AGAIN_MS = seconds(30);

/** A run ends after this and hands over to a fresh one, so that no run is long. */
export const RUN_MS = minutes(2);

/** Rows in `processing` come from a worker without leases; after this they are taken up again. */
export const ORPHAN_AFTER_MS = minutes(15);

/** More old rows than this are a backlog that an admin has to decide over. */
export const BACKLOG_ROWS = 100;
