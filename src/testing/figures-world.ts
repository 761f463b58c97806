import { randomUUID } from 'node:crypto';
import { type PanelSandbox, startPanelSandbox } from '../../sandbox/panel/server.ts';
import { sampleOf } from '../domain/monitoring/node-bandwidth.ts';
import type { BandwidthSample } from '../repositories/redis/monitoring/bandwidth-samples.ts';
import { NodeHealthStore, type NodeStatus } from '../repositories/redis/monitoring/node-health-store.ts';
import { type TestApp, testApp } from './test-app.ts';

export type PaymentSeed = {
  at: string;
  /** Decimal text: the amount that is due, where it differs from the price. */
  due: string;
  currency: string;
  status?: 'completed' | 'failed' | 'pending' | 'refunded';
  provider?: string;
  plan?: string;
  settledBy?: 'worker' | 'backend';
};

/** The application beside a panel whose time stands still, with functions that record past events. */
export interface FiguresWorld extends AsyncDisposable {
  readonly app: TestApp;
  readonly panel: PanelSandbox;
  pay(...payments: readonly PaymentSeed[]): Promise<void>;
  /** Records a node with its changes of state, oldest first, last checked at `seenAt`. Returns its uuid. */
  node(name: string, changes: readonly [at: string, status: NodeStatus][], seenAt: string): Promise<string>;
  /** Records readings of a node's traffic counter. */
  counter(nodeUuid: string, readings: readonly [at: string, totalBytes: number][]): Promise<void>;
  /** The texts of the admins' rows in `notification_queue`, oldest first. */
  told(): Promise<string[]>;
  stored(key: string): Promise<Record<string, unknown>>;
  clear(): Promise<void>;
}

export async function figuresWorld(
  panelTime: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<FiguresWorld> {
  const panel = await startPanelSandbox({ generation: 2, startAt: new Date(panelTime) });
  const app = await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token, ...environment });
  const { pool } = app.database;
  const health = new NodeHealthStore(app.redis.client);
  return {
    app,
    panel,
    async pay(...payments) {
      for (const { at, currency, due, plan, provider = 'cryptobot', settledBy, status = 'completed' } of payments) {
        const planId = plan && (await planNamed(plan));
        const metadata = settledBy ? JSON.stringify({ worker: { settled_by: settledBy } }) : null;
        await pool.query(
          `insert into payments (id, user_uuid, amount, final_amount, currency, status, provider, subscription_days, plan_id, metadata, created_at)
           values ($1, $2, $3::numeric + 1, $3, $4, $5, $6, 30, $7, $8, $9)`,
          [randomUUID(), randomUUID(), due, currency, status, provider, planId ?? null, metadata, at],
        );
      }
    },
    async node(name, changes, seenAt) {
      const nodeUuid = randomUUID();
      const times = changes.map(([at, status], i) => ({
        at: new Date(at),
        status,
        previousStatus: changes[i - 1]?.[1],
      }));
      for (const change of times) await health.addChange(nodeUuid, change);
      const { at: since, status } = times.at(-1)!;
      const downSince = status === 'online' || status === 'maintenance' ? undefined : since;
      const record = {
        nodeUuid,
        name,
        country: 'DE',
        status,
        since,
        checkedAt: new Date(seenAt),
        downSince,
        flips: [],
      };
      await health.replace(record, undefined);
      return nodeUuid;
    },
    async counter(nodeUuid, readings) {
      let previous: BandwidthSample | undefined;
      for (const [at, totalBytes] of readings) {
        previous = sampleOf({ at: new Date(at), totalBytes }, previous);
        await app.app.services.bandwidth.add(nodeUuid, previous);
      }
    },
    async told() {
      const { rows } = await pool.query<{ message: string }>(
        'select message from notification_queue order by created_at, id',
      );
      return rows.map(({ message }) => message);
    },
    stored: async (key) => JSON.parse((await app.redis.client.get(`cybervpn:${key}`)) ?? 'null'),
    async clear() {
      await pool.query('truncate notification_queue, payments, audit_logs, subscription_plans cascade');
      await app.redis.client.flushall();
      app.telegram.faults();
      app.telegram.reset();
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await panel.stop();
    },
  };

  async function planNamed(name: string): Promise<string> {
    const id = randomUUID();
    const { rows } = await pool.query<{ id: string }>(
      `insert into subscription_plans (id, name, display_name, duration_days, price_usd, is_active, device_limit, sort_order, tier)
       values ($1, $2, $2, 30, 1, true, 1, 1, 'x') on conflict (name) do update set name = excluded.name returning id`,
      [id, name],
    );
    return rows[0]!.id;
  }
}
