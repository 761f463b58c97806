import { randomUUID } from 'node:crypto';
import { minutes } from '../../../src/lib/duration.ts';
import { until } from '../../../src/testing/until.ts';
import type { World } from '../../../src/testing/world/world.ts';
import type { BesideUser } from './beside-users.ts';

export const TOKEN = 'beside-0123456789abcdef';

const PANEL_TASKS: readonly (readonly [string, object])[] = [
  ...[
    ...['check_server_health', 'collect_bandwidth_snapshot', 'sync_node_configs', 'sync_server_geolocations'],
    ...['sync_user_stats', 'update_realtime_metrics', 'aggregate_daily_stats', 'check_expiring_subscriptions'],
    ...['disable_expired_users', 'reset_monthly_traffic', 'auto_renew_subscriptions', 'check_anomalies'],
  ].map((task) => [task, {}] as const),
  ['generate_data_export', { export_type: 'users' }],
];

/** An upgrade takes minutes, and what was cut waits for the panel. */
const ENDS_WITHIN_MS = minutes(20);

const SETTLED_WITHIN_MS = minutes(2);

type Job = { state: string; result?: unknown; error?: string };

/** Work for a worker, by the doors that people and producers use. */
export class BesideJobs {
  readonly #world: World;
  readonly #url: string;
  readonly #say: (...what: unknown[]) => void;
  #open: { task: string; id: string }[] = [];
  #seen = 0;

  constructor(world: World, url: string, say: (...what: unknown[]) => void) {
    this.#world = world;
    this.#url = url;
    this.#say = say;
  }

  /** Payments from before a worker's first start are left alone. */
  async stoodHereForLong(): Promise<void> {
    await this.#world.pool.query(
      "insert into audit_logs (id, action, user_agent, created_at) values (gen_random_uuid(), 'worker.stood_here', 'task-worker/0', now() - interval '100 days')",
    );
  }

  async start(task: string, payload: object = {}): Promise<void> {
    this.#open.push({ task, id: await this.#world.dispatch(task, payload) });
  }

  async bulk(operation: string, ids: readonly (string | number)[]): Promise<void> {
    await this.start('execute_bulk_user_operation', { operation, user_uuids: ids });
  }

  /** A payment of 30 days for each, whose invoice Crypto Pay has as paid. */
  async pay(users: readonly BesideUser[], generation: 2 | 3): Promise<string[]> {
    const ids: string[] = [];
    for (const { key, telegramId } of users) {
      const [id, customer] = [randomUUID(), randomUUID()];
      const { invoice_id: invoice } = this.#world.cryptopay.world.put({
        ...{ amount: '10', fiat: 'USD', status: 'paid', paid_at: new Date(Date.now() - minutes(10)).toISOString() },
      } as never);
      await this.#world.pool.query(
        `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
         values ($1, $2, 'x', $3, $4, $5, true, 'active')`,
        [customer, `${customer}@example.com`, `payer_${customer}`, telegramId, generation === 2 ? key : null],
      );
      const metadata = generation === 2 ? { remnawave_uuid: key } : { remnawave_user_id: Number(key) };
      await this.#world.pool.query(
        `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, metadata, created_at, updated_at)
         values ($1, $2, $3, '10', 'USD', 'pending', 'cryptobot', 30, $4, now() - interval '10 minutes', now() - interval '10 minutes')`,
        [id, String(invoice), customer, JSON.stringify(metadata)],
      );
      ids.push(id);
    }
    return ids;
  }

  /** Runs each task that asks the panel, one after the other. */
  async eachPanelTask(): Promise<void> {
    for (const [task, payload] of PANEL_TASKS) {
      await this.start(task, payload);
      await this.ended();
    }
  }

  /** Waits for all that was started, and says how each ended. */
  async ended(): Promise<void> {
    for (const { id, task } of this.#open.splice(0)) {
      const startedAt = performance.now();
      const job = await until(`${task} ends`, async () => await this.#endOf(id), ENDS_WITHIN_MS);
      const took = ((performance.now() - startedAt) / 1000).toFixed(1);
      this.#say(task, job.state, `${took} s`, JSON.stringify(job.result ?? job.error).slice(0, 400));
    }
  }

  /** Waits until none of these payments is pending, and no longer than a few minutes: some may wait for a person. */
  async settled(ids: readonly string[]): Promise<void> {
    const statuses = async () => {
      const { rows } = await this.#world.pool.query<{ status: string; count: number }>(
        'select status, count(*)::int as count from payments where id = any($1) group by 1',
        [ids],
      );
      return Object.fromEntries(rows.map(({ count, status }) => [status, count]));
    };
    await until('no payment is pending', async () => ((await statuses()).pending ?? 0) === 0, SETTLED_WITHIN_MS).catch(
      () => undefined,
    );
    this.#say('payments', JSON.stringify(await statuses()));
  }

  /** Messages since the last call by their first words, and chats that got the same twice. */
  told(): string {
    const messages = this.#world.telegram.messages().slice(this.#seen);
    this.#seen += messages.length;
    const first = new Map<string, number>();
    const twice = new Map<string, number>();
    for (const { chat_id: chat, text } of messages) {
      const line = text
        .split('\n')[0]!
        .slice(0, 60)
        .replace(/[\d:.-]+/g, '#');
      first.set(line, (first.get(line) ?? 0) + 1);
      twice.set(`${chat} ${text}`, (twice.get(`${chat} ${text}`) ?? 0) + 1);
    }
    const again = [...twice.values()].filter((count) => count > 1).length;
    return JSON.stringify({ ...Object.fromEntries(first), 'the same text to the same chat again': again });
  }

  async #endOf(id: string): Promise<Job | undefined> {
    const response = await fetch(`${this.#url}/api/v1/jobs/${id}`, { headers: { authorization: `Bearer ${TOKEN}` } });
    if (!response.ok) throw new Error(`job ${id}: ${response.status} ${await response.text()}`);
    const job = (await response.json()) as Job;
    return job.state === 'completed' || job.state === 'failed' ? job : undefined;
  }
}
