/** Follows docs/migration.md, there and back: takes its steps and runs its commands in order, beside TaskIQ as the platform runs it. */
import { type ChildProcess, execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeUuidOf } from '../sandbox/panel/wire.ts';
import { NO_LIMITS } from '../sandbox/telegram/limits.ts';
import type { Role } from '../src/app/roles.ts';
import { minutes } from '../src/lib/duration.ts';
import { notificationRow, queueNotifications } from '../src/testing/notification-rows.ts';
import { PythonKeyWriter } from '../src/testing/python-keys.ts';
import { freePort } from '../src/testing/servers/free-port.ts';
import { until } from '../src/testing/until.ts';
import { notificationStates } from '../src/testing/world/notifications.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';
import { type CodeBlock, readDocument } from '../tools/docs/markdown.ts';
import { taskiqPython } from './contract/taskiq/python.ts';
import { startTaskiq } from './contract/taskiq/run-script.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = 'docs/migration.md';

const found = await taskiqPython();
const python = 'python' in found ? found.python : '';
const title = 'skipped' in found ? `${DOCUMENT} (SKIPPED: ${found.skipped})` : DOCUMENT;

/** `run`, `run with psql`, `run ending with 1`, or `start`: goes on until it is stopped. */
const marked = readDocument(DOCUMENT, await readFile(join(ROOT, DOCUMENT), 'utf8')).blocks.filter(
  ({ mark }) => mark !== undefined,
);
const bySection = Map.groupBy(marked, ({ section }) => section);
const toolOf = ({ mark }: CodeBlock): string | undefined => /^run with (.+)$/.exec(mark!)?.[1];
const isThere = async (tool: string): Promise<boolean> => {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return (await Promise.allSettled(folders.map((folder) => access(join(folder, tool))))).some(
    ({ status }) => status === 'fulfilled',
  );
};
const wantedTools = [...new Set(marked.flatMap((block) => toolOf(block) ?? []))];
const missing = new Set<string>();
for (const tool of wantedTools) if (!(await isThere(tool))) missing.add(tool);

const FORWARD = 'taskiq-python';
const LOCK = 'autoclaim:taskiq:taskiq';
const RAN_KEY = 'ran';
const SHARED = 'src.broker:broker';
const FORWARDED = 'forwarded_broker:broker';
const THEIR_SCHEDULER = 'src.broker:scheduler';
/** Brings the tasks and schedules that the broker does not import. */
const ALL_TASKS = 'src.schedules.definitions';
const REST_SCHEDULER = 'forwarded_scheduler:scheduler';

const ENV = {
  TELEGRAM_RATE_PER_SECOND: '500',
  TASKIQ_TAKEOVER_SECONDS: '5',
  SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '2s',
};

/** The operator's actions before the commands of a section, and the checks after them. */
type Step = { before?: () => Promise<unknown>; after?: () => Promise<unknown> };

describe.skipIf('skipped' in found)(title, () => {
  let world: World;
  let folder: string;
  let env: Record<string, string>;
  const ours = new Map<Role, RoleProcess>();
  /** The processes by their command. */
  const theirs = new Map<string, ChildProcess>();
  beforeAll(async () => {
    world = await World.start({ panel: { generation: 2, nodes: 2 }, mail: true, telegramLimits: NO_LIMITS, env: ENV });
    folder = await mkdtemp(join(tmpdir(), 'migration-'));
    await symlink(join(ROOT, 'src/main.ts'), join(folder, 'task-worker'));
    const port = String(await freePort());
    env = {
      ...world.env,
      METRICS_PORT: port,
      WORKER_URL: `http://127.0.0.1:${port}`,
      PATH: [folder, dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
    };
    await Promise.all([
      start(`taskiq worker ${SHARED} ${ALL_TASKS} --workers 1`),
      start(`taskiq scheduler ${THEIR_SCHEDULER} ${ALL_TASKS}`),
    ]);
  }, minutes(2));
  afterAll(async () => {
    await Promise.all([...theirs.keys()].map(stopTheirs));
    await world?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** A line of the document, `NAME=value program words`: resolves when it works. */
  async function start(line: string): Promise<void> {
    const all = line.split(' ');
    const pairs = all.filter((word, i) => word.includes('=') && all.slice(0, i).every((one) => one.includes('=')));
    const given = Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
    const [program, ...words] = all.slice(pairs.length);
    if (program === 'taskiq') {
      const [, what = ''] = words;
      const place = { REDIS_URL: world.redis.url, RAN_KEY: `${RAN_KEY}:${what}`, ...given };
      theirs.set(what, await startTaskiq(python, words, { env: place, folder }));
      return;
    }
    expect(program).toBe('task-worker');
    const role = words[0] as Role;
    const METRICS_PORT = role === 'worker' ? env.METRICS_PORT! : '0';
    const started = await world.start(role, { ...given, METRICS_PORT });
    ours.set(role, started);
    await until('it is ready', async () => (await fetch(`${started.httpUrl}/health/ready`)).ok);
  }

  /** The output of commands, by command. */
  const said = new Map<string, string>();
  /** Runs a line of the document, which must end with this code and print no error. */
  async function command(line: string, code: number): Promise<void> {
    const end = await run('sh', ['-c', line], { env, cwd: folder }).then(
      (ended) => ({ code: 0, ...ended }),
      (failed: { code: number; stderr: string; stdout: string }) => failed,
    );
    expect({ code: end.code, stderr: end.stderr }, line).toEqual({ code, stderr: '' });
    said.set(line, end.stdout);
  }

  async function stopOurs(role: Role): Promise<void> {
    expect(await ours.get(role)!.stop()).toMatchObject({ code: 0 });
  }
  async function stopTheirs(what: string): Promise<void> {
    const child = theirs.get(what);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  const ranBy = (what: string): Promise<string[]> => world.redisClient.lrange(`${RAN_KEY}:${what}`, 0, -1);
  const namesRunBy = (what: string): Promise<string[]> => world.redisClient.smembers(`${RAN_KEY}:${what}:names`);
  const sentByUs = (): string[] => world.telegram.messages().map(({ visible }) => visible);
  const pendingOf = async (stream: string): Promise<number> =>
    ((await world.redisClient.xpending(stream, 'taskiq')) as [number])[0];

  const sent: string[] = [];
  /** Sends messages as the backend does: tasks that both know, and one that only Python knows. Returns their ids. */
  async function send(known: number, unknown: number): Promise<{ known: string[]; unknown: string[] }> {
    const ids = Array.from({ length: known + unknown }, () => randomUUID());
    for (const [i, task_id] of ids.entries()) {
      const call =
        i < known
          ? { task_name: 'send_notification', kwargs: { chat_id: 1_000 + sent.length, text: task_id } }
          : { task_name: 'process_messaging_outbox', kwargs: { batch_size: i } };
      await world.redisClient.xadd('taskiq', '*', 'data', JSON.stringify({ task_id, ...call, labels: {}, args: [] }));
      sent.push(task_id);
    }
    return { known: ids.slice(0, known), unknown: ids.slice(known) };
  }
  async function untilRun(ids: readonly string[]): Promise<void> {
    await until('all are run', async () => {
      const done = new Set(await everyRun());
      return ids.every((id) => done.has(id));
    });
  }
  /** The runs of messages that this test sent, by any worker, without those of a scheduler. */
  async function everyRun(): Promise<string[]> {
    const all = [...(await ranBy(SHARED)), ...(await ranBy(FORWARDED)), ...sentByUs()];
    return all.filter((id) => sent.includes(id));
  }

  let orphan = '';
  const STEPS: Readonly<Record<string, Step>> = {
    'Look before anything changes': {
      async before() {
        await until('the Python scheduler is at work', async () => (await namesRunBy(SHARED)).length === 3);
        [orphan = ''] = await queueNotifications(world.pool, [
          { telegramId: 7_000, message: 'in its hands', status: 'processing', dueSecondsAgo: 1_200 },
          { telegramId: 7_001, message: 'waiting' },
        ]);
      },
      after: async () => expect(await world.redisClient.keys('cybervpn:schedules:*')).toEqual([]),
    },
    '1. Stop the Python scheduler': {
      before: () => stopTheirs(THEIR_SCHEDULER),
      async after() {
        await world.redisClient.set(LOCK, 'token-of-the-dead');
        await new PythonKeyWriter(world.redisClient).node(nodeUuidOf(1), {
          ...{ status: 'online', name: 'Node', country: 'NL', at: new Date() },
        });
      },
    },
    '2. Start this worker beside the Python worker': {
      async after() {
        await ours.get('worker')!.untilLogged(({ msg }) => msg === 'taken over from the Python worker');
        const { known } = await send(60, 20);
        // The others wait on a stream that is not read yet.
        await untilRun(known);
        expect(sentByUs().length).toBeGreaterThan(0);
        expect((await ranBy(SHARED)).filter((id) => sent.includes(id)).length).toBeGreaterThan(0);
      },
    },
    '3. Give the Python worker a stream of its own': {
      before: () => stopTheirs(SHARED),
      async after() {
        const { known, unknown } = await send(10, 10);
        await untilRun(sent);
        expect(sentByUs()).toEqual(expect.arrayContaining(known));
        const ran = await ranBy(FORWARDED);
        expect(ran).toEqual(expect.arrayContaining(unknown));
        await until('its scheduler sends', async () => (await namesRunBy(FORWARDED)).length >= 2);
        expect(new Set(await namesRunBy(FORWARDED))).toEqual(
          new Set(['process_messaging_outbox', 'process_partner_bot_provisioning_jobs']),
        );
        expect(await notificationStates(world.pool)).toMatchObject({ processing: 1 });
      },
    },
    '4. Start this scheduler': {
      async after() {
        await until('rows are sent', async () => (await notificationRow(world.pool, orphan)).status === 'sent');
        for (const text of ['in its hands', 'waiting'])
          expect(sentByUs().filter((visible) => visible === text)).toHaveLength(1);
      },
    },
    '5. Stop this scheduler': { after: () => stopOurs('scheduler') },
    '6. Put the Python worker back into the group': {
      before: async () => expect(await world.redisClient.exists(LOCK)).toBe(1),
      after: async () => expect(await world.redisClient.exists(LOCK)).toBe(missing.has('redis-cli') ? 1 : 0),
    },
    '7. Let this worker finish': {
      async before() {
        await stopOurs('worker');
        await world.dispatch('send_notification', { telegram_id: 8_000, message: 'left in our queue' });
      },
      async after() {
        await until('what is in our queue is done', async () => sentByUs().includes('left in our queue'));
        const { known, unknown } = await send(5, 5);
        await untilRun(sent);
        expect(await ranBy(SHARED)).toEqual(expect.arrayContaining([...known, ...unknown]));
        expect([...said].find(([line]) => line.includes('payments list --open'))?.[1]).toContain('No payment is open.');
      },
    },
    '8. Stop this worker and start the Python scheduler': {
      async before() {
        await stopTheirs(REST_SCHEDULER);
        await stopOurs('worker');
        await until('the forwarded ones are run', async () => (await pendingOf(FORWARD)) === 0);
        await stopTheirs(FORWARDED);
        await world.redisClient.del(`${RAN_KEY}:${SHARED}:names`);
      },
      async after() {
        const [late] = await queueNotifications(world.pool, [{ telegramId: 7_002, message: 'for Python' }]);
        await send(5, 5);
        await untilRun(sent);
        await until('all of its schedules go on', async () => (await namesRunBy(SHARED)).length >= 3);
        expect(await notificationRow(world.pool, late!)).toMatchObject({ status: 'pending' });
        expect(sorted(await everyRun())).toEqual(sorted(sent));
        if (!missing.has('redis-cli')) expect(await world.redisClient.keys('cybervpn:schedules:known*')).toEqual([]);
      },
    },
  };

  test('each section with commands is a step, in this order', () => {
    expect([...bySection.keys()]).toEqual(Object.keys(STEPS));
  });

  for (const [section, blocks] of bySection) {
    const lacking = blocks.map(toolOf).filter((tool) => tool !== undefined && missing.has(tool));
    test(lacking.length > 0 ? `${section} (SKIPPED in part: no ${lacking.join(', ')} here)` : section, async () => {
      const { after, before } = STEPS[section]!;
      await before?.();
      for (const block of blocks) {
        if (lacking.includes(toolOf(block))) continue;
        const lines = block.text.split('\n');
        if (block.mark === 'start') await Promise.all(lines.map(start));
        else {
          const code = Number(/ending with (\d)/.exec(block.mark!)?.[1] ?? 0);
          await Promise.all(lines.map((line) => command(line, code)));
        }
      }
      await after?.();
    });
  }
});

const sorted = (ids: readonly string[]): string[] => ids.toSorted((a, b) => (a < b ? -1 : 1));
