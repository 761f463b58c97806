import type { composeAlerts } from './domain/alerts/compose.ts';
import type { composeBrakes } from './domain/brakes/compose.ts';
import type { composeBulk } from './domain/bulk/compose.ts';
import type { composeCampaigns } from './domain/campaigns/compose.ts';
import type { composeCleanup } from './domain/cleanup/compose.ts';
import type { composeEmail } from './domain/email/compose.ts';
import type { composeExports, composeStorage } from './domain/exports/compose.ts';
import type { composeFigures } from './domain/figures/compose.ts';
import type { Foundation } from './domain/foundation.ts';
import type { composeReceipts } from './domain/history/compose-receipts.ts';
import type { composeMonitoring } from './domain/monitoring/compose.ts';
import type { composeNotifications } from './domain/notifications/compose.ts';
import type { composePayments } from './domain/payments/compose.ts';
import type { composeSubscriptions } from './domain/subscriptions/compose.ts';
import type { composeTexts } from './domain/texts/compose.ts';

type BuiltBy<C extends (...options: never[]) => { services: object }> = ReturnType<C>['services'];

/** Everything a task may ask for in `needs`: the results of the compose files, together. A service that nothing builds has no name here. */
export type Services = Foundation['services'] &
  BuiltBy<typeof composeAlerts> &
  BuiltBy<typeof composeBrakes> &
  BuiltBy<typeof composeBulk> &
  BuiltBy<typeof composeCampaigns> &
  BuiltBy<typeof composeCleanup> &
  BuiltBy<typeof composeEmail> &
  BuiltBy<typeof composeExports> &
  BuiltBy<typeof composeStorage> &
  BuiltBy<typeof composeFigures> &
  BuiltBy<typeof composeReceipts> &
  BuiltBy<typeof composeMonitoring> &
  BuiltBy<typeof composeNotifications> &
  BuiltBy<typeof composePayments> &
  BuiltBy<typeof composeSubscriptions> &
  BuiltBy<typeof composeTexts>;
