import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoopbackServer, serveOnLoopback } from '../../../sandbox/loopback-server.ts';
import { never, testPanel } from '../../testing/test-panel.ts';
import type { Panel } from './panel.ts';

type Exchange = { name: string; path?: string; answer?: { body?: unknown } };

const VERSIONS = ['2.7.4', '3.3.2'] as const;

/** What stands in the place of a user's key in a record. */
const USER = /\{(?:walter|lena)\}/;

/** The same key for every user. */
const KEYS = { '2.7.4': '00000000-0000-4000-8000-000000000001', '3.3.2': '1' } as const;

/** Numbers and instants in the place of the words that stand for those of the day of the record. */
function asItWas(value: unknown): unknown {
  if (value === '<number>') return 1;
  if (value === '<uuid>') return KEYS['2.7.4'];
  if (typeof value === 'string' && /^<[+-]\d+d>$/.test(value)) return new Date().toISOString();
  if (Array.isArray(value)) return value.map(asItWas);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asItWas(one)]));
}

/** What each panel said of nodes whose traffic it weighs: 2.x that of users alone, 3.x that of the node as well, by a multiplier of its own. */
describe.each(VERSIONS)('the client reads the answers of the real panel %s', (version) => {
  const file = new URL(`../../../test/originals/panel-${version}/system.json`, import.meta.url);
  const { exchanges } = JSON.parse(readFileSync(file, 'utf8')) as { exchanges: Exchange[] };
  const said = new Map<string, string>([['/api/system/metadata', JSON.stringify({ response: { version } })]]);
  let server: LoopbackServer;
  let panel: Panel;

  beforeAll(async () => {
    server = await serveOnLoopback(
      0,
      async (request, response) => {
        const text = said.get(new URL(request.url!, 'http://panel').pathname);
        response.writeHead(text ? 200 : 404, { 'content-type': 'application/json' }).end(text);
      },
      (response) => response.writeHead(500).end(),
    );
    ({ panel } = testPanel({ url: server.url, token: 'any' }));
  });
  afterAll(() => server.stop());

  const key = KEYS[version];

  /** The panel answers as it did at this step. */
  const asAt = (name: string): void => {
    const { answer, path } = exchanges.find((one) => one.name === name)!;
    const body = asItWas(answer!.body);
    const text = JSON.stringify(body, (field, value) => {
      if (typeof value !== 'string' || !USER.test(value)) return value as unknown;
      return field === 'id' ? Number(key) : key;
    });
    said.set(path!.replace(USER, key), text);
  };
  const nodes = async (): Promise<[name: string, bytes: number | undefined, weight: number | undefined][]> => {
    const { holes, items } = await panel.nodes(never);
    expect(holes).toEqual([]);
    return items.map(({ name, trafficUsedBytes, trafficWeight }) => [name, trafficUsedBytes, trafficWeight]);
  };

  test('nodes: the bytes that went through them, and nothing of one that counts each byte zero times', async () => {
    asAt('nodes');
    expect(await nodes()).toEqual([
      ['Frankfurt', 5_000_001, 1],
      ['Warsaw', 3_000_001, version === '2.7.4' ? 1 : 1.5],
      ['Helsinki', ...(version === '2.7.4' ? [2_000_001, 1] : [undefined, 0])],
    ]);
  });

  test('nodes: bytes keep the weight that they were counted with, so another weight makes the counter leap', async () => {
    asAt('nodes, one of another weight');
    const counted = Math.floor(3_000_001 * 1.5) + 4 * 1_000_000;
    expect((await nodes())[1]).toEqual(
      version === '2.7.4' ? ['Warsaw', 4_000_001, 1] : ['Warsaw', Math.round(counted / 4), 4],
    );
  });

  test('statistics and metrics: bytes, whatever the weights, also of a node that counts none', async () => {
    asAt('metrics');
    const metrics = (await panel.nodeMetrics(never)).items;
    const bytes = metrics.map(({ downloadBytes, nodeName, uploadBytes }) => [nodeName, downloadBytes + uploadBytes]);
    const about = (count: number) => expect.closeTo(count, -5);
    expect(bytes).toEqual([
      ['Frankfurt', about(5_000_001)],
      ['Warsaw', about(3_000_001)],
      ['Helsinki', about(2_000_001)],
    ]);
    asAt('bandwidth: today');
    const bandwidth = await panel.bandwidth('2026-01-01', '2026-01-01', never);
    expect(bandwidth.nodes.map(({ name, totalBytes }) => [name, totalBytes])).toEqual([
      ['Frankfurt', 5_000_001],
      ['Warsaw', 3_000_001],
      ['Helsinki', 2_000_001],
    ]);
    asAt('stats');
    expect((await panel.stats(never)).totalBytesLifetime).toBe(10_000_003);
    asAt('bandwidth in words');
    expect((await panel.statsBandwidth(never)).lastTwoDays.currentBytes).toEqual(about(10_000_003));
  });

  test('a day without traffic has no nodes', async () => {
    asAt('bandwidth: without traffic');
    expect(await panel.bandwidth('2026-01-01', '2026-01-01', never)).toMatchObject({ nodes: [], holes: [] });
  });

  test.each([
    ['a user of a node', 'ACTIVE', 1_000_001],
    ['a user of a weighted node', 'ACTIVE', 1_000_001 + Math.floor(2.5 * 1_000_001)],
    ['a user of a free node', 'ACTIVE', 3_500_003],
    ['a user of both weights', 'ACTIVE', 3_500_003 + 500_000],
    ['who has used up the limit by weight', 'LIMITED', 2_500_000],
  ])('%s', async (step, status, usedTrafficBytes) => {
    asAt(step);
    expect(await panel.user(key, never)).toMatchObject({ status, usedTrafficBytes });
  });
});
