import { z } from 'zod';
import type { OnRead } from '../../lib/read-each.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { readNamed } from './json-entries.ts';
import { keys } from './keys.ts';

/** The events that are published. The names are a contract with the backend's SSE endpoint and the dashboard. */
const EventType = z.enum([
  'server.status_changed',
  'payment.completed',
  'bulk.progress',
  'bulk.completed',
  'bulk.broadcast.progress',
  'bulk.broadcast.completed',
  'report.daily.sent',
  'report.weekly.sent',
  'subscription.disabled',
  'subscription.reminded',
  'service.status_changed',
  'webhook.reprocessed',
  'dashboard.realtime',
  'alert.started',
  'alert.ended',
  'alert.acknowledged',
  'alert.muted',
  'alert.unmuted',
]);

export type EventType = z.output<typeof EventType>;

const Stored = z.object({ type: EventType, data: z.record(z.string(), z.unknown()) });

export type PlatformEvent = { id: string; type: EventType; data: Readonly<Record<string, unknown>>; at: Date };

/** The stream keeps about this many of the newest events. */
const KEPT_EVENTS = 1_000;

/** Events that matter only at the moment. In the stream they would push out the events that people look for later. */
const NOT_KEPT: ReadonlySet<EventType> = new Set(['dashboard.realtime', 'bulk.progress', 'bulk.broadcast.progress']);

/** Publishes events to the listeners and keeps the last thousand. An event is a courtesy: losing one loses no work. */
export class Events {
  readonly #redis: RedisClient;
  readonly #onError: (error: unknown) => void;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onError: (error: unknown) => void, onRead?: OnRead) {
    this.#redis = redis;
    this.#onError = onError;
    this.#onRead = onRead;
  }

  /** Never throws. `data` has `snake_case` fields, times as ISO 8601 UTC, and nothing secret. */
  async publish(type: EventType, data: Readonly<Record<string, unknown>>): Promise<void> {
    const message = JSON.stringify({ type, data });
    const told = this.#redis.publish(keys.eventsChannel(), message);
    const kept = NOT_KEPT.has(type)
      ? undefined
      : this.#redis.xadd(keys.events(), 'MAXLEN', '~', KEPT_EVENTS, '*', 'event', message);
    await Promise.all([told, kept]).catch(this.#onError);
  }

  /** The newest kept events, newest first, at most `limit`. One that cannot be read is left out and said. */
  async latest(limit: number): Promise<PlatformEvent[]> {
    const entries = await this.#redis.xrevrange(keys.events(), '+', '-', 'COUNT', limit);
    const texts = entries.map(([id, fields]) => [id, fields[1] ?? ''] as const);
    const { items } = readNamed(texts, { source: 'events', entry: Stored }, this.#onRead);
    return items.map(([id, event]) => ({ id, ...event, at: new Date(Number(id.slice(0, id.indexOf('-')))) }));
  }
}
