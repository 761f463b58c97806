import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { type DeskWorld, deskWorld } from '../../testing/desk-world.ts';
import { Tollgate } from '../../testing/tollgate.ts';
import { spawnMain } from '../../testing/world/command.ts';

/** Every third step: a process starts for each. */
const STRIDE = 3;

let desk: DeskWorld;
beforeAll(async () => {
  desk = await deskWorld(2);
});
afterAll(() => desk[Symbol.asyncDispose]());

/** Extends from the command line, killed at the nth step. False where it ended before. */
async function killedAt(step: number, paymentId: string): Promise<boolean> {
  await using gate = new Tollgate();
  const env: Record<string, string> = { ...desk.world.app.env };
  for (const name of ['DATABASE_URL', 'REMNAWAVE_URL', 'CRYPTOBOT_API_URL']) env[name] = await gate.before(env[name]!);
  const child = spawnMain(['payments', 'extend', paymentId], env);
  gate.closeAt(step, () => child.kill('SIGKILL'));
  const [, signal] = await once(child, 'exit');
  return signal === 'SIGKILL';
}

test('a person who extends, killed at any step: decided or not, and the next look gives the days once', {
  timeout: minutes(4),
}, async () => {
  const seen = new Set<boolean>();
  let isKilled = true;
  for (let step = 1; isKilled; step += STRIDE) {
    const { before, customer, payment } = await desk.stuck('mismatch');
    isKilled = await killedAt(step, payment.id);
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
