import type { TestRedis } from './redis.ts';

export type BulkEvent = { type: string; data: { job_id: string; status: string; processed: number; total: number } };

/** Receives the events of bulk work as the backend's SSE endpoint does, until disposed. */
export async function listenToBulk(
  redis: TestRedis,
  onEvent: (event: BulkEvent) => void = () => undefined,
): Promise<Disposable & { readonly events: readonly BulkEvent[] }> {
  const events: BulkEvent[] = [];
  const subscriber = redis.client.duplicate();
  subscriber.on('error', () => undefined);
  subscriber.on('message', (_channel, text) => {
    const event = JSON.parse(text) as BulkEvent;
    if (!event.type.startsWith('bulk.')) return;
    events.push(event);
    onEvent(event);
  });
  await subscriber.subscribe('cybervpn:sse:events');
  return { events, [Symbol.dispose]: () => subscriber.disconnect() };
}
