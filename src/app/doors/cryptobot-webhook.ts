import { readDelivery } from '../../clients/cryptobot/webhook.ts';
import { completionKey } from '../../domain/payments/ledger.ts';
import type { CryptobotWebhookOptions } from '../../triggers/http/cryptobot-webhook.ts';
import type { App } from '../build-app.ts';

/** Stores each webhook of Crypto Pay and enqueues a job that completes its payment. */
export function cryptobotWebhook({
  dispatcher,
  log,
  services,
}: Pick<App, 'dispatcher' | 'log' | 'services'>): CryptobotWebhookOptions {
  const { entitlements, webhookLogs } = services;
  return {
    verify: (rawBody, signature) => entitlements.invoices.verify(rawBody, signature),
    read: readDelivery,
    store: (webhook) => webhookLogs.insertCryptobot(webhook),
    async dispatch(invoiceId, rawBody, signature) {
      const { default: complete } = await import('../../tasks/payments/process-payment-completion.ts');
      const payload = { raw_body: rawBody, signature };
      const options = { source: 'http', initiatedBy: 'cryptobot', uniqueKey: completionKey(invoiceId) } as const;
      await dispatcher.dispatch(complete, payload, options);
    },
    log,
  };
}
