import { days } from '../../lib/duration.ts';
import type { Finding } from '../../triggers/examination.ts';
import type { App } from '../build-app.ts';
import { failed, ok, warning } from './findings.ts';

/** A panel that is used sends events every day. */
const EVENTS_EXPECTED_MS = days(1);
const EVENTS_LOOKED_BACK_MS = days(7);
/** What turns events on, in the words of the panel's own settings. */
const TURN_ON =
  "set WEBHOOK_ENABLED=true, WEBHOOK_URL to this service's /webhooks/remnawave (beside others, with a comma) and WEBHOOK_SECRET_HEADER to the value of REMNAWAVE_WEBHOOK_SECRET in the panel";

/** Whether the panel's events arrive, by what `webhook_logs` says. */
export async function panelEventsFinding({ config, services }: App): Promise<Finding> {
  const now = Date.now();
  const { byBackend, refused, taken } = await services.webhookLogs.panelEvents(new Date(now - EVENTS_LOOKED_BACK_MS));
  if (config.REMNAWAVE_WEBHOOK_SECRET === undefined) {
    if (!byBackend) return ok('off: REMNAWAVE_WEBHOOK_SECRET is not set; the panel is looked at by the schedules');
    return warning(
      `the panel sends events, the last to the backend at ${byBackend.toISOString()}, and this worker takes none: REMNAWAVE_WEBHOOK_SECRET is not set`,
      `set it to the panel's WEBHOOK_SECRET_HEADER, and ${TURN_ON}`,
    );
  }
  // Anybody can send what is refused: it says nothing as long as the panel's own events arrive.
  if (taken && now - taken.getTime() < EVENTS_EXPECTED_MS) return ok(`arrive, the last at ${taken.toISOString()}`);
  if (refused && (!taken || refused > taken))
    return failed(
      `events are refused, the last at ${refused.toISOString()}: their signature is not made with REMNAWAVE_WEBHOOK_SECRET`,
      "give it the value of the panel's WEBHOOK_SECRET_HEADER; a proxy before this service must pass bodies on as they are",
    );
  return warning(
    taken ? `none has arrived since ${taken.toISOString()}` : 'none has arrived in the last 7 days',
    `${TURN_ON}; until then the schedules find everything, later`,
  );
}
