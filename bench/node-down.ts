import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { minutes, seconds } from '../src/lib/duration.ts';
import { keys } from '../src/repositories/redis/keys.ts';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';
import type { Measure } from './harness/measure.ts';
import { rounds } from './harness/scale.ts';

const ADMIN = 900_001;
/** So far apart that each node needs a look of its own. */
const NEXT_NODE_MS = seconds(4);

export const measure: Measure = {
  title: 'from the moment a node goes down, with events of the panel, to what the worker knows and the admin reads',
  limits:
    'The look that confirms it comes 20 s after the first; the panel itself sees a dead node within 10 s, which is not counted here.',

  async run(scale) {
    await using stack = new AsyncDisposableStack();
    const nodes = rounds(scale);
    const secret = randomBytes(16).toString('hex');
    const env = { REMNAWAVE_WEBHOOK_SECRET: secret, ADMIN_TELEGRAM_IDS: String(ADMIN) };
    const world = stack.use(await World.start({ panel: { nodes, webhookSecret: secret }, env }));
    const panel = world.panel!;
    const [worker] = await Promise.all([world.startWorker(), world.startScheduler()]);
    panel.sendWebhooksTo(`${worker.httpUrl}/webhooks/remnawave`);
    const statusOf = async (uuid: string): Promise<string | undefined> => {
      const found = await world.redisClient.get(keys.nodeHealth(uuid));
      return found === null ? undefined : (JSON.parse(found) as { status: string }).status;
    };
    await world.dispatch('check_server_health');
    await until('every node is known', async () => {
      const known = await Promise.all(panel.nodes().map(({ uuid }) => statusOf(uuid)));
      return known.every((status) => status === 'online');
    });

    const known: number[] = [];
    const told: number[] = [];
    const followed = panel.nodes().map(async ({ name, uuid }, i) => {
      await delay(i * NEXT_NODE_MS);
      const downAt = performance.now();
      panel.changeNode(uuid, { state: 'down' });
      await until(`${name} is known to be down`, async () => (await statusOf(uuid)) === 'offline', minutes(3));
      known.push((performance.now() - downAt) / 1000);
      const isTold = () => world.telegram.messages({ chatId: ADMIN }).some(({ visible }) => visible.includes(name));
      await until(`the admin reads of ${name}`, isTold, minutes(3));
      told.push((performance.now() - downAt) / 1000);
    });
    await Promise.all(followed);
    return {
      figures: [
        { what: 'known', unit: 's', samples: known, bar: { below: 5 } },
        { what: 'told', unit: 's', samples: told, bar: { below: 30 } },
      ],
      notes: [
        'One worker and one scheduler as they ship, with the schedule of every two minutes that they have without events. Each round is another node.',
      ],
    };
  },
};
