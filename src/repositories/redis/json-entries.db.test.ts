import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { minutes } from '../../lib/duration.ts';
import type { Hole, OnRead } from '../../lib/read-each.ts';
import { testRedis } from '../../testing/redis.ts';
import { AlertStateStore } from './alerts/alert-state-store.ts';
import { BrakeRecords } from './brakes/brake-records.ts';
import { BulkUserStates } from './bulk/bulk-user-states.ts';
import { ProgressRecords } from './bulk/progress-records.ts';
import { Events } from './events.ts';
import { DailyStats } from './figures/daily-stats.ts';
import { HourlyBandwidths } from './figures/hourly-bandwidths.ts';
import { MemoryReports } from './figures/memory-reports.ts';
import { SeenNodes } from './figures/seen-nodes.ts';
import { keys } from './keys.ts';
import { BandwidthSamples } from './monitoring/bandwidth-samples.ts';
import { LastRuns } from './monitoring/last-runs.ts';
import { LastSuccesses } from './monitoring/last-successes.ts';
import { NodeHealthStore, type NodeRecord } from './monitoring/node-health-store.ts';
import { ServiceHealthStore } from './monitoring/service-health-store.ts';
import { Disablings } from './subscriptions/disablings.ts';
import { PanelLooks } from './subscriptions/panel-looks.ts';

const redis = await testRedis();
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(() => redis.client.flushall());

const NAMES = ['anna', 'boris', 'carla'];
const now = new Date(Math.floor(Date.now() / 1_000) * 1_000);
const at = (i: number): Date => new Date(now.getTime() - minutes(10 - i));
const hold = { reason: 'share', wouldTouch: 9, listed: 10, expected: 10, since: now, toldAt: now } as const;
const disabling = { auditId: randomUUID(), status: 'ACTIVE', expireAt: now, user: undefined };
const nothing = (): void => undefined;

/** Text that nobody's version of any record is. */
const ODD: Readonly<Record<string, string>> = {
  'is empty': '',
  'is no JSON': 'no json',
  'is cut off': '{"at":"2026-',
  'is null': 'null',
  'is a list': '[]',
  'is a number': '7',
  'is a number beyond 2^53': '9007199254740993',
  'is a text': '"odd"',
  'has another shape':
    '{"schema":2,"state":"frozen","at":7,"seen_at":1,"since":null,"status":7,"queues":[],"type":"odd"}',
};

/** A record that is right but for a number beyond 2^53, which has lost its last digits. */
const BEYOND = '9007199254740993';
const WITH_NUMBERS: Readonly<Record<string, string>> = {
  'brake holds': `{"reason":"share","would_touch":${BEYOND},"listed":1,"expected":1,"since":"${now.toISOString()}","told_at":"${now.toISOString()}"}`,
  'bulk states': `{"state":"begun","at":1,"tries":${BEYOND}}`,
  'progress of jobs': `{"job_id":"boris","operation":"x","status":"running","processed":${BEYOND},"total":1,"succeeded":1,"failed":0,"errors":[],"started_at":"${now.toISOString()}","updated_at":"${now.toISOString()}"}`,
  'traffic by the hour': `{"node_uuid":"n","hour":"boris","sum":${BEYOND},"avg":1,"max":1,"min":1,"samples":1,"expected":1,"covered_seconds":1}`,
  'traffic samples': `{"at":"${at(1).toISOString()}","total_bytes":${BEYOND},"bytes":1}`,
  'memory of processes': `{"rss":${BEYOND},"heap_used":1,"heap_limit":1,"at":"${now.toISOString()}"}`,
  'states of services': `{"name":"boris","status":"up","failures":${BEYOND},"since":"${now.toISOString()}","checked_at":"${now.toISOString()}"}`,
  'last runs': `{"at":"${now.toISOString()}","ok":true,"seconds":${BEYOND}}`,
};

/** How three records are written, spoilt and read. A record is read under its own name. */
type Reader = {
  write(name: string, i: number): Promise<unknown>;
  spoil(name: string, i: number, text: string): Promise<unknown>;
  read(): Promise<Iterable<string>>;
  /** How a person finds the second one, where its name is another. */
  saidAs?: string;
};
type Readers = (onRead: OnRead, onError: (error: unknown) => void) => Readonly<Record<string, Reader>>;

const node = (name: string): NodeRecord => ({
  ...{ nodeUuid: name, name, country: 'DE', status: 'online', since: now, checkedAt: now, flips: [] },
});
const member = (key: string) => async (_: string, i: number, text: string) => {
  await redis.client.zremrangebyrank(key, i, i);
  await redis.client.zadd(key, at(i).getTime() / (key.includes('bandwidth') ? 1_000 : 1), text);
};
const field = (key: string) => (name: string, _: number, text: string) => redis.client.hset(key, name, text);
const value = (keyOf: (name: string) => string) => (name: string, _: number, text: string) =>
  redis.client.set(keyOf(name), text);

const readers: Readers = (onRead, onError) => {
  const { client } = redis;
  const alerts = new AlertStateStore(client, onRead);
  const brakes = new BrakeRecords(client, onRead);
  const disablings = new Disablings(client, onRead);
  const events = new Events(client, onError, onRead);
  const hourly = new HourlyBandwidths(client, onRead);
  const looks = new PanelLooks(client, onRead);
  const memory = new MemoryReports(client, onRead);
  const nodes = new NodeHealthStore(client, onRead);
  const progress = new ProgressRecords(client, onError, onRead);
  const runs = new LastRuns(client, onError, onRead);
  const samples = new BandwidthSamples(client, onRead);
  const seen = new SeenNodes(client, onRead);
  const services = new ServiceHealthStore(client, onRead);
  const states = new BulkUserStates(client, onError);
  const successes = new LastSuccesses(client, onRead);
  const stats = new DailyStats(client, z.object({ schema: z.literal(1), date: z.string() }), onRead);
  const condition = (id: string) => ({ ...({ id, kind: 'k', severity: 'warning', subject: id, since: now } as const) });
  const hour = (name: string) => ({ node_uuid: 'n', hour: name, sum: 1, avg: 1, max: 1, min: 1, samples: 1 });
  const known = async <T>(found: Promise<(T | undefined)[]>, nameOf: (one: T) => string) =>
    (await found).filter((one) => one !== undefined).map(nameOf);
  return {
    'alerts that are on': {
      write: (name) => alerts.begin(condition(name), now),
      spoil: field(keys.alertsOn()),
      read: async () => (await alerts.all(now)).map(({ id }) => id),
    },
    'alerts by id': {
      write: (name) => alerts.begin(condition(name), now),
      spoil: field(keys.alertsOn()),
      read: async () => (await alerts.find(NAMES, now)).map(({ id }) => id),
    },
    'brake holds': {
      write: (name) => brakes.replace(name, hold),
      spoil: field(keys.brake('holds')),
      read: async () => (await brakes.all()).keys(),
    },
    'bulk states': {
      write: (name) => states.set('job-1', new Map([[name, { state: 'done' }]])),
      spoil: field(keys.bulkUsers('job-1')),
      read: async () => (await states.of('job-1')).keys(),
    },
    'progress of jobs': {
      write: (name) =>
        progress.save(name, {
          ...{ operation: 'x', status: 'running', processed: 1, total: 2, succeeded: 1, failed: 0, errors: [] },
          ...{ startedAt: now, updatedAt: now },
        }),
      spoil: value(keys.bulkProgress),
      read: () => known(Promise.all(NAMES.map((name) => progress.find(name))), (one) => one.job_id),
      saidAs: keys.bulkProgress('boris'),
    },
    disablings: {
      write: (name) => disablings.begin(name, disabling),
      spoil: field(keys.disablings()),
      read: async () => (await disablings.left()).keys(),
    },
    events: {
      write: (name) => events.publish('alert.ended', { name }),
      async spoil(_, i, text) {
        const all = await client.xrange(keys.events(), '-', '+');
        await client.del(keys.events());
        for (const [j, [id, fields]] of all.entries())
          await client.xadd(keys.events(), id, 'event', i === j ? text : fields[1]!);
      },
      read: async () => (await events.latest(10)).map(({ data }) => String(data.name)),
      saidAs: '-',
    },
    'figures of days': {
      write: (date) => stats.save({ schema: 1, date }),
      spoil: value(keys.dailyStats),
      read: async () => (await stats.many(NAMES)).keys(),
      saidAs: keys.dailyStats('boris'),
    },
    'traffic by the hour': {
      write: (name) => hourly.save({ ...hour(name), expected: 1, covered_seconds: 1 }),
      spoil: value((name) => keys.bandwidthHourly('n', name)),
      read: async () => (await hourly.of('n', NAMES)).map((one) => one.hour),
      saidAs: keys.bandwidthHourly('n', 'boris'),
    },
    'traffic samples': {
      write: (_, i) => samples.add('n', { at: at(i), bytes: i }),
      spoil: member(keys.bandwidth('n')),
      read: async () => (await samples.between('n', at(0), at(3))).map(({ bytes }) => NAMES[bytes!]!),
      saidAs: keys.bandwidth('n'),
    },
    'memory of processes': {
      write: (host) => memory.save({ host, pid: 1, rssBytes: 1, heapUsedBytes: 1, heapLimitBytes: 1, at: now }),
      spoil: (name, _, text) => client.hset(keys.processMemory(), `${name} 1`, text),
      read: async () => (await memory.all(now)).uses.map(({ host }) => host),
    },
    'nodes that were seen': {
      write: (name) => seen.note([{ nodeUuid: name, name, country: 'DE', seenAt: now }]),
      spoil: field(keys.seenNodes()),
      read: async () => (await seen.since(now, now)).map(({ nodeUuid }) => nodeUuid),
    },
    'states of nodes': {
      write: (name) => nodes.replace(node(name), undefined),
      spoil: value(keys.nodeHealth),
      read: async () => (await nodes.all()).nodes.map(({ record }) => record.nodeUuid),
    },
    'changes of a node': {
      write: (_, i) => nodes.addChange('n', { status: 'online', at: at(i) }),
      spoil: member(keys.nodeHealthHistory('n')),
      read: async () =>
        (await nodes.history('n', at(0), at(3))).map((one) => NAMES[(one.at.getTime() - at(0).getTime()) / 60_000]!),
      saidAs: keys.nodeHealthHistory('n'),
    },
    'states of services': {
      write: (name) => services.save({ name, status: 'up', failures: 0, since: now, checkedAt: now }),
      spoil: value(keys.serviceHealth),
      read: () => known(Promise.all(NAMES.map((name) => services.find(name))), ({ name }) => name),
      saidAs: keys.serviceHealth('boris'),
    },
    'last runs': {
      async write(name) {
        await using written = new LastRuns(client, onError);
        written.note(name, { at: now, ok: true, seconds: 1 });
      },
      spoil: field(keys.lastRuns()),
      read: async () => (await runs.all()).keys(),
    },
    'last successes': {
      write: (name) => successes.note(new Map([[name, now]])),
      spoil: field(keys.lastSuccess()),
      read: async () => (await successes.all()).keys(),
    },
    'looks at panel users': {
      write: (username) => looks.ask({ username, ids: [], token: 't' }),
      spoil: field(keys.panelLooks()),
      read: async () => (await looks.some(10)).map(({ username }) => username),
    },
  };
};

const LISTS = Object.keys(readers(nothing, nothing));

describe.each(LISTS)('one odd entry among the %s', (list) => {
  const odd = { ...ODD, ...(WITH_NUMBERS[list] && { 'has a number beyond 2^53': WITH_NUMBERS[list] }) };

  test.each(Object.entries(odd))('%s: the others are served, and it is said which is left out', async (_, text) => {
    const told: string[] = [];
    const tell = (holes: readonly Hole[]) => void told.push(...holes.map(({ item }) => item));
    const { read, saidAs, spoil, write } = readers(
      ({ holes }) => tell(holes),
      (error) => told.push(String(error)),
    )[list]!;
    for (const [i, name] of NAMES.entries()) await write(name, i);
    expect(new Set(await read())).toEqual(new Set(NAMES));
    expect(told).toEqual([]);
    await spoil('boris', 1, text);
    expect(new Set(await read())).toEqual(new Set(['anna', 'carla']));
    expect(told).toEqual([expect.stringContaining(`name ${saidAs ?? 'boris'}`.replace('name -', 'name '))]);
  });
});
