import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { days, minutes } from '../../lib/duration.ts';
import { killedAt } from '../../testing/killed-command.ts';
import { type PaymentWorld, paymentWorld } from '../../testing/payment-world.ts';

/** Kills that run at the same time: they wait as much as they work. */
const LANES = 3;

/**
 * Every state that a kill can leave. Without a backend, a payment is never completed before the panel has it; the backend completes it
 * first.
 */
const BETWEEN = {
  worker: [
    'pending, open, not extended',
    'pending, promised, not extended',
    'pending, promised, extended',
    'completed, promised, extended',
  ],
  backend: [
    'pending, open, not extended',
    'completed, open, not extended',
    'completed, promised, not extended',
    'completed, promised, extended',
  ],
};

/** `EVERY_STEP=1 npx vitest run --project db payment-crash` tests all steps in both modes, for a change of how payments are settled. */
const isFull = Boolean(process.env.EVERY_STEP);

describe.each([
  ['worker', 'every step', 1],
  // The steps are the same but for the backend's, and each of them is tested in the other mode. All steps take half a minute more.
  ['backend', ...(isFull ? (['every step', 1] as const) : (['every third step', 3] as const))],
] as const)('settled by the %s, killed at %s', (mode, _, stride) => {
  let world: PaymentWorld;

  beforeAll(async () => {
    world = await paymentWorld(2, mode);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Kills a run at this step and returns the state that it left. The run after it must come to the same end from there. */
  async function killAndResume(step: number): Promise<{ wasKilled: boolean; left: string }> {
    const customer = await world.customer({ endsInMs: days(3) });
    const before = world.user(customer).expireAt;
    const { id } = await world.payment({ customerId: customer.id, days: 30, invoice: { status: 'paid' } });

    const payload = JSON.stringify({ payment_id: id });
    const args = ['run', 'process_payment_completion', '--payload', payload];
    const wasKilled = await killedAt(step, args, world.app.env);
    const { metadata, status } = await world.row(id);
    const isExtended = world.user(customer).expireAt > before;
    const left = `${status}, ${metadata?.worker?.target_expire_at ? 'promised' : 'open'}, ${isExtended ? 'extended' : 'not extended'}`;

    await world.letClaimRunOut(id);
    await world.complete({ id });

    const at = `killed at step ${step}, which left it ${left}`;
    expect(world.user(customer).expireAt, at).toBe(before + days(30));
    expect((await world.row(id)).status, at).toBe('completed');
    expect(await world.messages(customer), at).toHaveLength(1);
    expect(await world.audits(id), at).toHaveLength(1);
    expect(world.backend?.sideEffects.get(id) ?? 1, at).toBe(1);
    return { wasKilled, left };
  }

  test('exactly one extension, one completed, one confirmation', {
    timeout: minutes(8),
  }, async () => {
    const left = new Set<string>();
    let next = 1;
    let isOver = false;
    const lane = async (): Promise<void> => {
      while (!isOver) {
        const step = next;
        next += stride;
        const result = await killAndResume(step);
        left.add(result.left);
        if (!result.wasKilled) isOver = true;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));

    expect(next).toBeGreaterThan(25);
    if (stride === 1) expect(left).toEqual(new Set(BETWEEN[mode]));
    else expect(BETWEEN[mode]).toEqual(expect.arrayContaining([...left]));
  });
});
