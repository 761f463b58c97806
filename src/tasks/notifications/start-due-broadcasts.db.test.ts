import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { rowsPrefix } from '../../domain/notifications/broadcast-ids.ts';
import { days, hours, minutes, seconds } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { broadcastOf } from '../../testing/broadcast-drafts.ts';
import { subscriptionWorld } from '../../testing/subscription-world.ts';

const ZONE = 'Europe/Berlin';
/** As the schedule has it. */
const EVERY_MS = seconds(30);

test.each([
  ['in the hour that summer time leaves out: as much later', '2024-03-31T02:30', '2024-03-31T01:30:00Z'],
  ['after the change to summer time', '2024-03-31T03:15', '2024-03-31T01:15:00Z'],
  ['in the hour that comes twice: the first time', '2024-10-27T02:30', '2024-10-27T00:30:00Z'],
  ['after the change back', '2024-10-27T03:15', '2024-10-27T02:15:00Z'],
])(
  'a broadcast for a local time %s, once, with three schedulers that were all down at that minute',
  async (_, local, due) => {
    const clock = new ZonedClock(ZONE);
    const sendAt = clock.instant(local)!;
    expect(sendAt).toEqual(new Date(due));
    const begin = new Date(sendAt.getTime() - hours(2));
    await using world = await subscriptionWorld(3, { TIME_ZONE: ZONE }, begin);
    const { database } = world.app.app.parts.foundation;
    await installOwnSchema(database);
    for (const chat of [11, 12, 13]) world.customer(`c${chat}`, { endsInMs: days(40), telegramId: chat });
    const { plannedBroadcasts } = world.app.app.services;
    const id = randomUUID();
    await plannedBroadcasts.add(id, rowsPrefix(id), broadcastOf({ texts: { en: 'news' } }), 'token:olga');
    await plannedBroadcasts.schedule(id, sendAt, 'token:olga');

    const jobs = world.app.app.queues.get('bulk');
    const sent: { at: string; chats: number }[] = [];
    const arrived = () => world.app.telegram.messages().filter(({ text }) => text === 'news');
    /** What three schedulers and a worker do at one moment. */
    async function tick(): Promise<number> {
      const started = await Promise.all([1, 2, 3].map(() => world.run('start_due_broadcasts')));
      const waiting = await jobs.getWaiting();
      for (const job of waiting) {
        const run = world.app.run('send_broadcast', { broadcast_id: id }, { now: world.panel.now(), jobId: job.id! });
        await run.catch((error: unknown) => expect(error).toBeInstanceOf(SnoozeError));
        const before = arrived().length;
        await world.deliver();
        const chats = arrived().length - before;
        if (chats > 0) sent.push({ at: clock.minute(world.panel.now()), chats });
        await job.remove();
      }
      expect(new Set(started.map(({ due: count }) => count)).size).toBe(1);
      return waiting.length;
    }
    async function ticksFor(ms: number, everyMs: number): Promise<number> {
      let started = 0;
      for (let passed = 0; passed < ms; passed += everyMs) {
        started += await tick();
        world.panel.advance(everyMs);
      }
      return started;
    }

    // Two hours at which nothing is due yet, the local hour before a change among them.
    expect(await ticksFor(hours(2) - minutes(10), minutes(10))).toBe(0);
    world.panel.advance(sendAt.getTime() - minutes(1) - world.panel.now().getTime());
    expect(await ticksFor(seconds(30), EVERY_MS)).toBe(0);
    // All schedulers are down over the minute; then they are there for longer than an hour that comes twice.
    world.panel.advance(minutes(5));
    expect(await ticksFor(minutes(2), EVERY_MS)).toBeGreaterThan(0);
    await ticksFor(hours(2), minutes(10));

    const back = clock.minute(new Date(sendAt.getTime() + minutes(4.5)));
    expect(sent).toEqual([{ at: back, chats: 3 }]);
    const chats = arrived().map(({ chat_id: chat }) => chat);
    expect(chats.sort((a, b) => a - b)).toEqual([11, 12, 13]);
    expect((await plannedBroadcasts.find(id))?.state).toBe('done');
  },
);
