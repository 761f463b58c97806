import { afterAll, beforeAll, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { type DeskWorld, deskWorld } from '../../testing/desk-world.ts';
import { killedAt } from '../../testing/killed-command.ts';

/** Every third step. */
const STRIDE = 3;

let desk: DeskWorld;
beforeAll(async () => {
  desk = await deskWorld(2);
});
afterAll(() => desk[Symbol.asyncDispose]());

test('a person who extends, killed at any step: decided or not, and the next look gives the days once', {
  timeout: minutes(4),
}, async () => {
  const seen = new Set<boolean>();
  let isKilled = true;
  for (let step = 1; isKilled; step += STRIDE) {
    const { before, customer, payment } = await desk.stuck('mismatch');
    isKilled = await killedAt(step, ['payments', 'extend', payment.id], desk.world.app.env);
    const isDecided = Boolean((await desk.world.row(payment.id)).metadata.worker.decision);
    seen.add(isDecided);
    await desk.world.app.redis.client.flushall();
    for (let times = 0; times < 2; times += 1) {
      await desk.world.app.run('verify_pending_payments');
      await desk.world.complete(payment);
      expect(desk.world.user(customer).expireAt, `step ${step}`).toBe(before + (isDecided ? days(30) : 0));
    }
    const audits = (await desk.world.audits(payment.id)).filter(({ action }) => action === 'payment.extension_decided');
    expect(audits).toHaveLength(isDecided ? 1 : 0);
  }
  expect(seen).toEqual(new Set([false, true]));
});
