import { Random } from '../random.ts';
import type { Stage } from '../stage.ts';
import { addAdminsWork, bulkOperations, dataExports } from './admins.ts';
import { Asked } from './asked.ts';
import { addCampaign, campaignCustomers } from './campaign.ts';
import { addDryUsers, dryRuns } from './dry-runs.ts';
import type { LoadContext } from './load.ts';
import { broadcasts, notifications, onDemand } from './messages.ts';
import { panelEvents } from './panel-events.ts';
import { addCustomers, payments } from './payments.ts';
import { addCrowds, plannedBroadcasts } from './staff.ts';
import { addHeld, handedInAlerts, taps } from './staff-bot.ts';
import { taskiqMessages } from './taskiq.ts';
import { jobsOfTheNextVersion } from './versions.ts';

/** `speed` multiplies the rate of all requests except rows and broadcasts. */
export type LoadOptions = { seed: number; durationMs: number; notificationsPerSecond: number; speed?: number };

/** Milliseconds between two requests of each kind. */
const ON_DEMAND_MS = 700;
const PAYMENT_MS = 900;
const BULK_MS = 6_000;
const EXPORT_MS = 9_000;
const TASKIQ_MS = 400;
const PLANNED_MS = 10_000;
const DRY_MS = 12_000;
const NEXT_VERSION_MS = 20_000;
const ALERT_MS = 15_000;

/** Fills the tables with the rows that the load needs from the start. */
export async function prepare(
  stage: Stage,
  { durationMs, speed = 1 }: Pick<LoadOptions, 'durationMs' | 'speed'>,
): Promise<Asked> {
  const asked = new Asked();
  await addCustomers({ asked, stage });
  await addAdminsWork({ asked, stage }, Math.ceil((durationMs * speed) / BULK_MS) + 1);
  addCrowds({ stage }, Math.ceil(durationMs / PLANNED_MS) + 1);
  addDryUsers({ stage });
  await addCampaign({ stage });
  await addHeld({ asked, stage });
  return asked;
}

/** Makes all kinds of work at once until `signal` fires. */
export async function load(stage: Stage, asked: Asked, options: LoadOptions, signal: AbortSignal): Promise<void> {
  const speed = options.speed ?? 1;
  let parts = 0;
  const context = (): LoadContext => {
    parts += 1;
    return { stage, asked, signal, random: new Random(options.seed * 1_000 + parts) };
  };
  await Promise.all([
    notifications(context(), options.notificationsPerSecond),
    onDemand(context(), ON_DEMAND_MS / speed),
    broadcasts(context()),
    payments(context(), PAYMENT_MS / speed),
    bulkOperations(context(), BULK_MS / speed),
    dataExports(context(), EXPORT_MS / speed),
    taskiqMessages(context(), TASKIQ_MS / speed),
    plannedBroadcasts(context(), PLANNED_MS),
    campaignCustomers(context()),
    dryRuns(context(), DRY_MS),
    panelEvents(context()),
    jobsOfTheNextVersion(context(), NEXT_VERSION_MS),
    handedInAlerts(context(), ALERT_MS),
    taps(context()),
  ]);
}
