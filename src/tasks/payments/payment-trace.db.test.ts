import { expect, onTestFinished, test } from 'vitest';
import { startOtlpSandbox } from '../../../sandbox/otlp/server.ts';
import { nameAndOutcome, traceTree } from '../../../sandbox/otlp/tree.ts';
import { days } from '../../lib/duration.ts';
import { paymentWorld } from '../../testing/payment-world.ts';
import { until } from '../../testing/until.ts';

test('a payment is one trace, from the look at its invoice over the panel to the customer', async () => {
  const collector = await startOtlpSandbox();
  onTestFinished(() => collector.stop());
  const world = await paymentWorld(3, 'worker', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  try {
    const customer = await world.customer({ endsInMs: days(3) });
    await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });
    await world.worker();
    const options = { source: 'schedule', initiatedBy: 'schedule' } as const;
    const { dispatcher, queues } = world.app.app;
    await dispatcher.dispatchNamed('verify_pending_payments', {}, options);
    await until('the customer is told', () => world.app.telegram.messages({ chatId: customer.telegramId }).length > 0);
    await until('that run is over', async () => (await queues.get('notifications').getCompletedCount()) > 0);
  } finally {
    await world[Symbol.asyncDispose]();
  }

  const spans = collector.spans();
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  // On a loaded machine any statement may be slow enough for a span of its own.
  const others = spans.filter(({ name }) => name !== 'postgresql');
  expect(traceTree(others, nameAndOutcome)).toMatch(
    new RegExp(
      [
        '^enqueue verify_pending_payments',
        '  run verify_pending_payments: success',
        '    cryptobot getInvoices',
        '    enqueue process_payment_completion',
        '      run process_payment_completion: success',
        '(        (cryptobot|remnawave) .*\n)+        enqueue process_notification_queue',
        '          run process_notification_queue: success',
        '            telegram sendMessage$',
      ].join('\n'),
    ),
  );
});
