import type { AlertmanagerWebhookOptions } from '../../triggers/http/alertmanager-webhook.ts';
import type { App } from '../build-app.ts';

/** Alerts that Alertmanager hands in. Undefined without a secret, `ALERTMANAGER_WEBHOOK_SECRET`. */
export function alertmanagerWebhook(
  { log, parts }: Pick<App, 'log' | 'parts'>,
  secret: string | undefined,
): AlertmanagerWebhookOptions | undefined {
  if (secret === undefined) return undefined;
  return {
    secret,
    log,
    // While Redis is away the state of an alert is one process's alone, and the next delivery may come to another.
    async take(alerts) {
      const now = parts.foundation.clock.now();
      await parts.alertStates.active(now);
      return await parts.handedInAlerts.take(alerts, now);
    },
  };
}
