import type { AlertmanagerWebhookOptions } from '../../triggers/http/alertmanager-webhook.ts';
import type { App } from '../build-app.ts';

/** Alerts that Alertmanager hands in. Undefined without ALERTMANAGER_WEBHOOK_SECRET. */
export function alertmanagerWebhook({ config, log, parts }: App): AlertmanagerWebhookOptions | undefined {
  const secret = config.ALERTMANAGER_WEBHOOK_SECRET;
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
