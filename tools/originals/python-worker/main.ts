/**
 * `node tools/originals/python-worker/main.ts <work folder>`: records anew what the Python worker sends, stores and exports, from the
 * platform that `tools/originals/main.ts` has started. Takes two minutes, since its schedules must come due.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { minutes, seconds } from '../../../src/lib/duration.ts';
import { queueNotifications } from '../../../src/testing/notification-rows.ts';
import { until } from '../../../src/testing/until.ts';
import { notificationStates } from '../../../src/testing/world/notifications.ts';
import { OpenLab, readLab } from '../lab.ts';
import { OriginalProcess } from '../original-process.ts';
import { writeRecord } from '../recording.ts';
import { keysOf } from './keys.ts';

const HOW =
  'Python 3.13, packages of its uv.lock, over the tables that the backend makes, Redis 7.0, and sandboxes of Telegram, the panel and Crypto Pay; ids and times are replaced';
const CALLS = [
  { task_name: 'send_notification', kwargs: { chat_id: 501, text: 'Привет, <b>мир</b>' } },
  { task_name: 'send_notification', args: [502, 'by position'] },
  { task_name: 'send_notification', kwargs: { chat_id: '503', text: 'a number as text' } },
  { task_name: 'broadcast_message', kwargs: { telegram_ids: [504, 505], text: 'to two', job_id: 'job-1' } },
  { task_name: 'process_payment_completion', kwargs: { payment_id: '00000000-0000-4000-8000-000000000001' } },
  { task_name: 'process_payment_completion', kwargs: { payment_id: 'no uuid' } },
  // Out of retries, so that its error is stored. Before that nothing is, and a retry has another id.
  { task_name: 'process_payment_completion', kwargs: { payment_id: 'no uuid' }, labels: { _retry_count: 3 } },
  { task_name: 'bulk_disable_users', kwargs: { user_uuids: ['00000000-0000-4000-8000-000000000002'] } },
  { task_name: 'monitor_queue_depth' },
  { task_name: 'verify_pending_payments' },
] as const;
/** What leaves keys in Redis behind. */
const WRITERS = [
  ...['update_realtime_metrics', 'check_server_health', 'check_external_services', 'collect_bandwidth_snapshot'],
  ...['sync_user_stats', 'sync_node_configurations', 'aggregate_daily_stats', 'aggregate_financial_stats'],
  ...['check_expiring_subscriptions', 'check_anomalies'],
];

const [work] = process.argv.slice(2);
if (!work) {
  console.error('usage: node tools/originals/python-worker/main.ts <work folder of tools/originals/main.ts>');
  process.exit(64);
}
await using open = new OpenLab(await readLab(work));
const { lab, pool, redis } = open;
const { folder, python } = lab.originals['python-worker'];

await queueNotifications(pool, [
  { telegramId: 601, message: 'a row' },
  { telegramId: 602, message: '<b>broken', dueSecondsAgo: 5 },
]);
const sent = await call(CALLS);
const before = await entries();
await until(
  'all but the retried one have ended',
  async () => (await redis.exists(...sent.ids)) === sent.ids.length - 1,
  minutes(3),
);
const results = await resultsOf(sent.ids);
const stored = await Promise.all(
  sent.ids.map(async (id) => {
    const bytes = await redis.getBuffer(id);
    return { pickle: bytes?.toString('base64') ?? null, ttl_seconds: bytes && (await redis.ttl(id)) };
  }),
);

await run(['run.py', ...WRITERS]);
const scheduled = await bySchedule();
await writeRecord(
  'taskiq/entries.json',
  {
    what: 'Python worker, as its own .kiq() and its own scheduler send',
    how: HOW,
    notes: [
      'The scheduler of the compose file (taskiq scheduler src.broker:scheduler) sends nothing: src.broker does not import src.schedules.definitions. Here it was named as a second module.',
      'Without that module a worker knows 32 of its 55 tasks; what it does not know stays pending.',
      'bulk_broadcast, bulk_export, purge_deleted_accounts, monitor_connection_pools and monitor_worker_memory are imported by nothing: no worker knows them.',
    ],
  },
  { tasks: sent.tasks, called: before, scheduled },
);
await writeRecord(
  'taskiq/results.json',
  {
    what: 'Python worker, as it stores results',
    how: HOW,
    notes: ['Labels of a result have what its middlewares added.'],
  },
  { results: CALLS.map((one, i) => ({ call: one, ...stored[i]!, read: results[i] })) },
);
await writeRecord(
  'python-worker/redis-keys.json',
  { what: 'Python worker, its keys in Redis', how: HOW },
  { keys: await keysOf(redis, new Set(sent.ids)) },
);
await writeRecord(
  'python-worker/metrics.json',
  { what: 'Python worker, what it exports', how: HOW },
  { metrics: namesOf(await (await fetch(lab.workerMetricsUrl)).text()) },
);
await writeRecord(
  'python-worker/notification-rows.json',
  { what: 'Python worker, rows of notification_queue after its turn', how: HOW },
  {
    states: await notificationStates(pool),
    rows: (
      await pool.query(
        `select to_jsonb(n) as row from notification_queue n where telegram_id in (601, 602) order by telegram_id`,
      )
    ).rows.map(({ row }) => row),
  },
);

type Sent = { tasks: Record<string, Record<string, string>>; ids: string[] };

async function call(calls: readonly object[]): Promise<Sent> {
  const out = join(work!, 'kiq.json');
  await run(['kiq.py', out], JSON.stringify(calls));
  return JSON.parse(await readFile(out, 'utf8')) as Sent;
}

/** A script beside this one, among the Python worker's modules. */
async function run([script, ...args]: readonly string[], input = ''): Promise<void> {
  const child = spawn(python, [join(import.meta.dirname, script!), ...args], {
    ...{ cwd: folder, env: lab.env['python-worker'] },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin!.end(input);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
}

async function resultsOf(ids: readonly string[]): Promise<(object | null)[]> {
  const child = spawn(python, [join(import.meta.dirname, 'results.py'), lab.redisUrl], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin!.end(JSON.stringify(ids));
  const [said] = await Promise.all([text(child.stdout!), once(child, 'exit')]);
  return JSON.parse(said) as (object | null)[];
}

/** The fields of the entries of these calls, in order. */
async function entries(): Promise<string[][]> {
  const all = await redis.xrange('taskiq', '-', '+');
  return all.map(([, fields]) => fields).filter(([, data]) => sent.ids.some((id) => data!.includes(id)));
}

/** What the scheduler sends in a minute and a half, one entry for each task. */
async function bySchedule(): Promise<string[][]> {
  const last = (await redis.xrevrange('taskiq', '+', '-', 'COUNT', 1))[0]![0];
  await using _ = await OriginalProcess.start({
    ...{ python, folder, log: join(work!, 'scheduler.log'), env: lab.env['python-worker'] },
    args: ['-m', 'taskiq', 'scheduler', 'src.broker:scheduler', 'src.schedules.definitions'],
  });
  await until(
    'its scheduler sends',
    async () => (await redis.xrange('taskiq', `(${last}`, '+')).length > 0,
    minutes(3),
  );
  await delay(seconds(70));
  const found = new Map<string, string[]>();
  for (const [, fields] of await redis.xrange('taskiq', `(${last}`, '+')) {
    const { labels, task_name: name } = JSON.parse(fields[1]!) as { labels: object; task_name: string };
    if ('schedule_id' in labels) found.set(name, fields);
  }
  return [...found.values()];
}

/** Names with their types and labels, without values. */
function namesOf(exposition: string): Record<string, { type: string; labels: string[] }> {
  const found: Record<string, { type: string; labels: string[] }> = {};
  for (const [, name, type] of exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    found[name!] = { type: type!, labels: [] };
  for (const [, name, labels] of exposition.matchAll(/^([a-zA-Z_:]+)\{([^}]*)\} /gm)) {
    const family = found[name!] ?? found[name!.replace(/_(bucket|sum|count|total|created)$/, '')];
    for (const [, label] of labels!.matchAll(/([a-zA-Z_]+)=/g))
      if (family && label !== 'le' && !family.labels.includes(label!)) family.labels.push(label!);
  }
  return found;
}
