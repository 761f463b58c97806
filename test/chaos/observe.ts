import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { strFromU8, unzipSync } from 'fflate';
import { days, seconds } from '../../src/lib/duration.ts';
import { uuidFrom } from '../../src/lib/uuid.ts';
import { MailClaims } from '../../src/repositories/redis/email/mail-claims.ts';
import { until } from '../../src/testing/until.ts';
import type { Evidence, ExportEvidence, MailEvidence, PaymentEvidence } from './evidence.ts';
import { JobEyes } from './job-eyes.ts';
import type { Asked } from './load/asked.ts';
import { keyOf } from './load/asked.ts';
import { ADMIN } from './load/staff-bot.ts';
import { NEXT_QUEUE } from './load/versions.ts';
import { schedulesSeen } from './schedules-seen.ts';
import type { Settled } from './settle.ts';
import type { Stage } from './stage.ts';
import { now } from './timeline.ts';

/** Observes everything from outside: the sandbox, the tables, Redis, the folder, the processes. */
export async function observe(stage: Stage, asked: Asked, settled: Settled): Promise<Evidence> {
  const { crew, logs, timeline, world } = stage;
  const endedAtMs = now();
  const redis = world.redisClient;
  const stored = await schedulesSeen(stage, endedAtMs);
  const jobsAt = new JobEyes(world.env.REDIS_URL!);
  const arrived = deliveries(stage);
  try {
    const exports = await exportsSeen(stage, asked, jobsAt);
    return {
      startedAtMs: timeline.startedAt,
      calmAtMs: settled.calmAtMs,
      endedAtMs,
      // Ends of processes from now on are not faults.
      events: [...timeline.events],
      asked,
      deliveries: arrived,
      told: [world.telegram, world.telegram.staff]
        .flatMap((bot) => bot.messages({ chatId: ADMIN.id }))
        .map(({ at, visible }) => ({ atMs: at, text: visible }))
        .sort((a, b) => a.atMs - b.atMs),
      mailsMissing: await mailsMissing(stage, asked, arrived, jobsAt),
      ...(await rowsSeen(stage)),
      payments: await paymentsSeen(stage),
      panelUsers: usersSeen(stage),
      contractViolations: world.panel!.violations().map(({ problem, route, where }) => `${where} ${route}: ${problem}`),
      reminders: await remindersSeen(stage),
      bulk: await jobsAt.jobs('bulk', asked.bulk),
      dryRuns: await jobsAt.jobs('bulk', asked.dryRuns),
      ofNextVersion: await jobsAt.jobs(NEXT_QUEUE, asked.ofNextVersion),
      exports,
      broadcasts: await broadcastsSeen(stage),
      ...(await filesLeft(stage, [
        ...[...exports.keys(), ...asked.doubtful],
        ...asked.dryRuns.map(({ jobId }) => jobId),
      ])),
      results: await resultsSeen(stage, asked),
      deadMessages: await deadSeen(stage),
      stream: {
        length: await redis.xlen('taskiq'),
        pending: Number(((await redis.xpending('taskiq', 'taskiq')) as unknown[])[0]),
        consumers: ((await redis.xinfo('CONSUMERS', 'taskiq', 'taskiq')) as unknown[]).length,
        workers: crew.workers.length,
      },
      jobs: settled.isQuiet ? [] : await jobsAt.open(),
      schedules: stored,
      runs: [...logs.runs],
      survivors: settled.survivors,
      fresh: settled.fresh,
      openTransactions: await openTransactions(stage),
      troubles: [...crew.troubles],
    };
  } finally {
    await jobsAt.close();
  }
}

function deliveries({ smtp, world }: Stage): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const add = (key: string, at: number): void => void found.set(key, [...(found.get(key) ?? []), at]);
  for (const { at, chat_id, text } of world.telegram.messages()) add(keyOf(chat_id, text), at);
  for (const { at, to } of smtp.mails()) for (const address of to) add(address, at);
  return found;
}

async function mailsMissing(
  { world }: Stage,
  asked: Asked,
  arrived: Evidence['deliveries'],
  jobs: JobEyes,
): Promise<Map<string, MailEvidence>> {
  const claims = new MailClaims(world.redisClient);
  const missing = new Map<string, MailEvidence>();
  for (const { jobId, key } of asked.messages) {
    if (jobId === undefined || arrived.has(key)) continue;
    const claim = await claims.look(jobId);
    const claimedAtMs = claim.kind === 'in_hand' ? now() - claim.forMs : undefined;
    missing.set(jobId, { ...(await jobs.job('email', jobId)), claimedAtMs });
  }
  return missing;
}

/** Rows that became due within this time may still be in progress, such as an alert that waited to be grouped. */
const ON_ITS_WAY_MS = seconds(5);

async function rowsSeen({ world }: Stage): Promise<Pick<Evidence, 'rowsPastDue' | 'rowsFailed'>> {
  const pastDue = await world.pool.query<{ id: string; due: Date }>(
    `select id, scheduled_at as due from notification_queue
      where status not in ('sent', 'failed') and scheduled_at <= now() - $1 * interval '1 ms' limit 20`,
    [ON_ITS_WAY_MS],
  );
  const failed = await world.pool.query<{ chat: string; message: string; error: string }>(
    "select telegram_id as chat, message, coalesce(error_message, '') as error from notification_queue where status = 'failed'",
  );
  return {
    rowsPastDue: pastDue.rows.map(({ due, id }) => ({ id, dueMs: due.getTime() })),
    rowsFailed: failed.rows.map(({ chat, error, message }) => ({ key: keyOf(Number(chat), message), error })),
  };
}

async function paymentsSeen({ world }: Stage): Promise<Map<string, PaymentEvidence>> {
  const { rows } = await world.pool.query<{
    id: string;
    status: string;
    worker: Record<string, string> | null;
    completions: number;
  }>(
    `select p.id, p.status, p.metadata -> 'worker' as worker,
            (select count(*)::int from audit_logs a where a.entity_id = p.id::text and a.action = 'payment.completed') as completions
       from payments p`,
  );
  const confirmed = await world.pool.query<{ id: string }>(
    "select id from notification_queue where notification_type = 'payment_received'",
  );
  const confirmations = new Set(confirmed.rows.map(({ id }) => id));
  const time = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));
  return new Map(
    rows.map(({ completions, id, status, worker }) => [
      id,
      {
        id,
        status,
        activation: worker?.activation,
        targetMs: time(worker?.target_expire_at),
        basisMs: time(worker?.basis),
        isMismatched: worker?.mismatch !== undefined,
        completions,
        confirmations: confirmations.has(uuidFrom(`payment-received:${id}`)) ? 1 : 0,
      },
    ]),
  );
}

function usersSeen({ world }: Stage): Evidence['panelUsers'] {
  const panel = world.panel!;
  const done = new Map<string, { disables: number; resets: number }>();
  for (const { path, route, status } of panel.calls().mutations) {
    if (status >= 400) continue;
    const id = /\/users\/([^/]+)\/actions\//.exec(path)?.[1];
    if (id === undefined) continue;
    const counts = done.get(id) ?? { disables: 0, resets: 0 };
    if (route.endsWith('/disable')) counts.disables += 1;
    if (route.endsWith('/reset-traffic')) counts.resets += 1;
    done.set(id, counts);
  }
  return new Map(
    panel.users().map(({ expireAt, id, status, usedTrafficBytes: usedBytes, username, uuid }) => {
      const counts = done.get(String(id)) ?? done.get(uuid) ?? { disables: 0, resets: 0 };
      return [username, { status, expireAtMs: expireAt, usedBytes, ...counts }];
    }),
  );
}

async function remindersSeen({ world }: Stage): Promise<Map<number, number>> {
  const { rows } = await world.pool.query<{ chat: string; rows: number }>(
    `select telegram_id as chat, count(*)::int as rows from notification_queue
      where notification_type like 'reminder:%' group by telegram_id`,
  );
  return new Map(rows.map((row) => [Number(row.chat), row.rows]));
}

async function broadcastsSeen({ world }: Stage): Promise<Map<string, string>> {
  const { rows } = await world.pool.query<{ id: string; state: string }>(
    'select id, state from task_worker.broadcasts',
  );
  return new Map(rows.map(({ id, state }) => [id, state]));
}

async function exportsSeen(stage: Stage, asked: Asked, jobs: JobEyes): Promise<Map<string, ExportEvidence>> {
  const { rows } = await stage.world.pool.query<{ id: string }>(
    "select id from notification_queue where notification_type like 'alert%:export%'",
  );
  const told = new Set(rows.map(({ id }) => id));
  const files = await filesOf(stage);
  const found = new Map<string, ExportEvidence>();
  for (const { jobId } of asked.exports) {
    const name = [...files.keys()].find((file) => file.startsWith(jobId));
    const notices = ['export_ready', 'export_failed'].filter((kind) =>
      told.has(uuidFrom(`${kind}:${jobId}:${ADMIN.id}`)),
    );
    found.set(jobId, {
      ...(await jobs.job('bulk', jobId)),
      file: name === undefined ? undefined : countRows(name, files.get(name)!),
      notices,
    });
  }
  return found;
}

/** Names and contents in the folder or the bucket. */
async function filesOf({ exportFolder, s3 }: Stage): Promise<Map<string, Buffer>> {
  if (s3) return new Map([...s3.bucket.objects].map(([key, { body }]) => [key.slice(key.indexOf('/') + 1), body]));
  const names = (await readdir(exportFolder)).filter((name) => !name.startsWith('.'));
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(exportFolder, name))] as const)),
  );
}

function countRows(name: string, content: Buffer): { rows: number } | 'broken' {
  try {
    const bytes = name.endsWith('.gz') ? gunzipSync(content) : content;
    if (name.includes('.csv')) {
      const text = bytes.toString('utf8');
      return text.endsWith('\n') ? { rows: text.trimEnd().split('\n').length - 1 } : 'broken';
    }
    if (name.includes('.json')) return { rows: (JSON.parse(bytes.toString('utf8')) as unknown[]).length };
    const sheet = Object.entries(unzipSync(bytes)).find(([file]) => file.includes('sheet1'));
    return sheet ? { rows: strFromU8(sheet[1]).split('<row ').length - 2 } : 'broken';
  } catch {
    return 'broken';
  }
}

/** `known` begins the names of files that may be there. Makes the remains of interrupted exports a day old and removes them. No remains may exist afterwards. */
async function filesLeft(stage: Stage, known: readonly string[]): Promise<Pick<Evidence, 'drafts' | 'strangeFiles'>> {
  const strangeFiles = [...(await filesOf(stage))]
    .filter(([name, content]) => !known.some((id) => name.startsWith(id)) && !isListOfHeld(name, content))
    .map(([name]) => name);
  if (stage.s3) return { drafts: [], strangeFiles };
  const folder = join(stage.exportFolder, '.unfinished');
  const drafts = async (): Promise<string[]> => await readdir(folder).catch(() => []);
  for (const name of await drafts()) {
    const { atime, mtime } = await stat(join(folder, name));
    await utimes(join(folder, name), atime, new Date(mtime.getTime() - days(2)));
  }
  await stage.world.dispatch('cleanup_export_files');
  await until('half-written files are gone', async () => (await drafts()).length === 0).catch(() => undefined);
  return { drafts: await drafts(), strangeFiles };
}

/** What a run would do that is held, for those who decide. */
const isListOfHeld = (name: string, content: Buffer): boolean =>
  name.endsWith('.csv') && content.toString('utf8', 0, 100).includes('effect,subject,id,detail');

async function resultsSeen({ world }: Stage, asked: Asked): Promise<Set<string>> {
  const ids = asked.taskiq.map(({ taskId }) => taskId);
  const found = await Promise.all(ids.map((id) => world.redisClient.exists(id)));
  return new Set(ids.filter((_, i) => found[i] === 1));
}

async function deadSeen({ world }: Stage): Promise<Set<string>> {
  const entries = await world.redisClient.xrange('cybervpn:taskiq:dead', '-', '+');
  const text = JSON.stringify(entries);
  return new Set([...text.matchAll(/task_id\\*": ?\\*"([0-9a-f-]{36})/g)].map(([, id]) => id!));
}

async function openTransactions({ world }: Stage): Promise<number> {
  const { rows } = await world.pool.query<{ sessions: number }>(
    `select count(*)::int as sessions from pg_stat_activity
      where application_name = 'task-worker' and state like 'idle in transaction%' and state_change < now() - interval '5 seconds'`,
  );
  return rows[0]!.sessions;
}
