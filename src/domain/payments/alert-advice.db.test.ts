import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days } from '../../lib/duration.ts';
import { visibleText } from '../../lib/telegram-html.ts';
import { type DeskWorld, deskWorld, type StuckKind } from '../../testing/desk-world.ts';
import { commandHere } from '../../testing/world/command-here.ts';

/** Each kind of trouble with its alert. Of a gift its buyer gets no days. */
const TROUBLES: readonly { kind: StuckKind; alert: string; bought?: number }[] = [
  { kind: 'mismatch', alert: 'payment_mismatch' },
  { kind: 'unresolved, none', alert: 'payment_unresolved' },
  { kind: 'unresolved, several', alert: 'payment_unresolved' },
  { kind: 'in_vain, failed before', alert: 'payment_in_vain' },
  { kind: 'in_vain, invoice taken twice', alert: 'payment_in_vain' },
  { kind: 'given_or_not', alert: 'payment_given_or_not' },
  { kind: 'unknown_purchase', alert: 'payment_purchase_unknown' },
  { kind: 'gift_waits', alert: 'payment_gift_waits', bought: 0 },
  { kind: 'not_active', alert: 'payment_activation' },
  { kind: 'unfinished', alert: 'payment_unfinished' },
];

describe.each([2, 3] as const)(
  'the advice in alerts about money, followed to the letter on a panel %i.x',
  (generation) => {
    let desk: DeskWorld;
    beforeAll(async () => {
      desk = await deskWorld(generation);
    });
    beforeEach(() => desk.world.reset());
    afterAll(() => desk[Symbol.asyncDispose]());

    const run = async (...args: string[]) => commandHere(args, desk.world.app.env);

    test.each(TROUBLES)(
      '$kind: each act that it names leads to the days that were bought',
      async ({ alert, bought = 30, kind }) => {
        const acts = await advised(kind, alert);
        expect(acts).toContain('given');
        for (const act of acts) {
          await desk.world.reset();
          const { before, customer, payment } = await desk.stuck(kind);
          const words = act === 'assign' ? [customer.username] : [];
          expect(await run('payments', act, payment.id, ...words), act).toMatchObject({ code: 0, stderr: '' });
          // The person who says so extends the user by hand, as the alert says: after it was said.
          if (act === 'given') desk.world.user(customer).expireAt += days(bought);
          await desk.world.worker();
          await desk.world.quiet();
          await desk.world.app.run('verify_pending_payments');
          await desk.world.quiet();
          const isGiven = act !== 'close' && !(act === 'check' && kind === 'gift_waits');
          expect(desk.world.user(customer).expireAt, act).toBe(before + (isGiven ? days(bought) : 0));
        }
      },
    );

    /** The acts that the alert about such a payment names, after its payment was looked at on the desk. */
    async function advised(kind: StuckKind, alert: string): Promise<string[]> {
      const { payment } = await desk.stuck(kind);
      const [text] = await desk.world.alerts(alert, payment.id);
      expect(visibleText(text!)).toContain('On the payments desk of the console: ');
      const [, id] = /Payment: ([\w-]+)/.exec(visibleText(text!))!;
      expect(await run('payments', 'show', id!)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(payment.id),
      });
      return [...text!.matchAll(/<code>(check|assign|extend|given|close)<\/code>/g)].map(([, act]) => act!);
    }
  },
);
