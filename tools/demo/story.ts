import { setTimeout as delay } from 'node:timers/promises';
import { nodeUuidOf } from '../../sandbox/panel/wire.ts';
import type { World } from '../../src/testing/world/world.ts';
import type { Screen } from './screen.ts';
import { askForMail, chatOf, GUZZLER, PAYER } from './seed.ts';

export type Step = {
  /** Seconds after the demo is up. */
  at: number;
  /** The tasks that the step needs. Where this build lacks one, the step is left out. */
  needs: readonly string[];
  /** The event, and where to see its effect. */
  tell: string;
  act(): unknown;
};

/** The third of the sandbox's nodes. */
const NODE = { uuid: nodeUuidOf(3), name: 'Helsinki 1' };

/** The events of the demo. */
export function story(world: World, invoiceId: number): readonly Step[] {
  const setNode = (state: 'down' | 'connected') => world.panel!.changeNode(NODE.uuid, { state });
  return [
    {
      at: 2,
      needs: ['send_otp_email', 'send_magic_link_email', 'send_password_reset_email'],
      tell: 'The backend asks for three e-mails as it does today, on the TaskIQ stream. The second is a repeat: it takes the other server.',
      act: () => askForMail(world),
    },
    {
      at: 8,
      needs: ['check_expiring_subscriptions'],
      tell: 'The hourly sweep over the 518 panel users runs now: who expires within a week is reminded, once.',
      act: () => world.dispatch('check_expiring_subscriptions'),
    },
    {
      at: 18,
      needs: ['disable_expired_users'],
      tell: 'Whose time ran out in the last two days is told how to come back.',
      act: () => world.dispatch('disable_expired_users'),
    },
    {
      at: 30,
      needs: ['check_server_health'],
      tell: `Node ${NODE.name} goes down. The panel sends an event, so the worker looks at once; a second look 20 s later confirms it, and one alert reaches the admin.`,
      act: () => setNode('down'),
    },
    {
      at: 40,
      needs: ['process_payment_completion'],
      tell: `Customer ${PAYER} pays invoice ${invoiceId}. The subscription grows by 30 days, and the confirmation goes out.`,
      act: () => world.cryptopay.world.pay(invoiceId),
    },
    {
      at: 60,
      needs: ['look_at_panel_users'],
      tell: `Customer ${GUZZLER} uses up the traffic. The panel sends an event, the worker asks the panel, and chat ${chatOf(GUZZLER)} hears of it.`,
      act: () => useUpTraffic(world),
    },
    {
      at: 90,
      needs: ['check_server_health'],
      tell: `Node ${NODE.name} is back. After a stable minute one message says for how long it was away.`,
      act: () => setNode('connected'),
    },
  ];
}

/** What the panel does when a limit is reached: it remembers the bytes and sends an event. */
function useUpTraffic({ panel }: World): void {
  const bytes = 50 * 1024 ** 3;
  panel!.changeUser(`customer${GUZZLER}`, { trafficLimitBytes: bytes, usedTrafficBytes: bytes, onlineAt: Date.now() });
  panel!.tell('user.bandwidth_usage_threshold_reached', `customer${GUZZLER}`);
}

/** Plays the steps whose tasks exist until all are played or `signal` fires. A failed step is reported and does not end the demo. */
export async function play(
  steps: readonly Step[],
  tasks: ReadonlySet<string>,
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  for (const step of steps.filter(({ needs }) => needs.every((task) => tasks.has(task)))) {
    const waitMs = startedAt + step.at * 1000 - performance.now();
    await delay(Math.max(0, waitMs), undefined, { signal });
    screen.step(step.tell);
    try {
      await step.act();
    } catch (error) {
      screen.trouble(`this step failed: ${(error as Error).message}`);
    }
  }
}
