import type { Config } from '../../config.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import type { Database } from '../../repositories/database.ts';
import { CustomerTextRows } from '../../repositories/history/customer-text-rows.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { Foundation } from '../foundation.ts';
import { CustomerTexts } from './customer-texts.ts';

/** Builds what words messages to customers. */
export function composeTexts(
  { clock, log, services: { settings } }: Foundation,
  { alerts, historyDatabase }: { alerts: AdminAlerts; historyDatabase: Database },
  config: Pick<Config, 'BRAND_NAME' | 'RENEW_URL' | 'SUPPORT_URL' | 'TEXTS_DIR'>,
) {
  const customerTexts = new CustomerTexts({
    ...{ alerts, log },
    rows: new CustomerTextRows(historyDatabase),
    folder: config.TEXTS_DIR,
    house: {
      brand: config.BRAND_NAME,
      supportUrl: config.SUPPORT_URL,
      renewUrl: config.RENEW_URL,
      clock: new ZonedClock(settings.TIME_ZONE),
    },
    clock: () => clock.now(),
    publicUrl: settings.PUBLIC_URL,
  });
  return { services: { customerTexts } };
}
