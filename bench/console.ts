import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../src/lib/duration.ts';
import { fillPastFigures } from '../src/testing/past/figures.ts';
import { fillPast, type PastSize } from '../src/testing/past/tables.ts';
import { World } from '../src/testing/world/world.ts';
import { loadViews } from '../src/triggers/http/console/load-views.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { usageOfGroup } from './harness/process-usage.ts';
import { rounds, type Scale } from './harness/scale.ts';
import { median } from './harness/statistics.ts';

/** The promise for one view at the server. */
const VIEW_MS = 300;
const FIRST_VIEW_KB = 30;
const REFRESH_KB = 2;
/** Schedules of the first seconds are over, and lists of the panel are known. */
const SETTLE_MS = seconds(10);

/** What stands in the place of parameters; a view with other parameters is not measured. */
const SAMPLES: Readonly<Record<string, string>> = {
  '/tasks/:name': '/tasks/send_notification',
  '/customers/:who': '/customers/customer5',
};
/** Searches and filters that read much. */
const SEARCHES = [
  '/customers?q=100005',
  '/jobs?since=month&state=error',
  '/jobs?since=month&text=needle',
  '/messages?status=failed',
  '/messages?chat=100005',
  '/payments?shown=all',
  '/payments?find=100005',
  '/audit?by=token%3Aolga',
];

const sizeOf = (scale: Scale): PastSize => ({
  ...(scale === 'full'
    ? { runs: 1_000_000, notifications: 1_000_000, payments: 200_000 }
    : { runs: 50_000, notifications: 50_000, payments: 10_000 }),
  ...{ days: 29, customers: 5_000, nodes: 8, seed: 'bench' },
});

type Answered = { bytes: number; ms: number; text: string; status: number };

export const measure: Measure = {
  title: 'console: bytes of the first view and of a refresh, and the time of each view at the server',
  limits:
    'Times are of the whole answer over the loopback, by one worker process that has nothing else to do. Bytes are those of the body, compressed as for a browser.',

  async run(scale) {
    const token = randomBytes(16).toString('hex');
    await using world = await World.start({
      seed: true,
      panel: { users: 500, nodes: 8 },
      env: { API_TOKENS: `olga:${token}`, TIME_ZONE: 'Europe/Moscow', LOG_LEVEL: 'INFO' },
    });
    await world.command(['schema', 'install']);
    const size = sizeOf(scale);
    await fillPast(world.pool, size);
    await fillPastFigures(world.redisClient, size, new Date());
    const service = await world.start('all');
    await delay(SETTLE_MS);
    const ask = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answered> =>
      asked(service.httpUrl + path, { authorization: `Bearer ${token}`, accept: 'text/html', ...headers });

    const figures = [...(await bytes(ask)), ...(await times(ask, { group: service.pid, scale }))];
    const { runs, notifications, payments } = size;
    const many = [runs, notifications, payments].map((count) => count.toLocaleString('en'));
    return {
      figures,
      notes: [`${many[0]} runs, ${many[1]} notifications and ${many[2]} payments of the last ${size.days} days.`],
    };
  },
};

type Ask = (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answered>;

/** The first view with everything that it loads, and what comes where nothing or little has changed since. */
async function bytes(ask: Ask): Promise<Figure[]> {
  const page = await ask('/');
  const assets = [...page.text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
  const loaded = await Promise.all(assets.map((path) => ask(path)));
  const first = [page, ...loaded].reduce((sum, { bytes: size }) => sum + size, 0);
  const parts = [
    ...page.text.matchAll(/id="([\w-]+)" (?:href="[^"]*" )?data-part(?: data-every="\d+")? data-hash="([\w-]+)"/g),
  ];
  const pairs = parts.map(([, name, hash]) => `${name}=${hash}`);
  const refresh = await ask('/', { 'hx-request': 'true', 'x-parts': pairs.join(',') });
  const changed = pairs.map((pair) => (pair.startsWith('nodes=') ? 'nodes=other' : pair));
  const little = await ask('/', { 'hx-request': 'true', 'x-parts': changed.join(',') });
  const kb = (what: string, size: number, most: number): Figure => ({
    ...{ what, unit: 'kB', samples: [size / 1000] },
    bar: { atMost: most },
  });
  return [
    kb('first view with style and scripts', first, FIRST_VIEW_KB),
    kb('refresh of the first view at once', refresh.bytes, REFRESH_KB),
    kb('refresh where one part has changed', little.bytes, REFRESH_KB),
  ];
}

/** Processor time is that of the whole service while a view is asked for, its schedules included; a busy machine hardly changes it. */
async function times(ask: Ask, { group, scale }: { group: number; scale: Scale }): Promise<Figure[]> {
  const views = (await loadViews()).map(({ path }) => SAMPLES[path] ?? path).filter((path) => !path.includes(':'));
  const figures: Figure[] = [];
  const used: Figure[] = [];
  for (const path of [...views, ...SEARCHES]) {
    const samples: number[] = [];
    const before = await usageOfGroup(group);
    for (let round = 0; round <= rounds(scale); round += 1) {
      const { ms, status } = await ask(path);
      if (status !== 200) throw new Error(`${path} answered ${status}`);
      if (round > 0) samples.push(ms);
    }
    figures.push({ what: path, unit: 'ms', samples, bar: { below: VIEW_MS } });
    const processorMs = (await usageOfGroup(group)).processorMs - before.processorMs;
    used.push({ what: `${path}, processor time`, unit: 'ms', samples: [processorMs / (rounds(scale) + 1)] });
  }
  const slowest = Math.max(...figures.map(({ samples }) => median(samples)));
  return [
    ...figures,
    ...used,
    { what: 'the slowest of these', unit: 'ms', samples: [slowest], bar: { below: VIEW_MS } },
  ];
}

/** Asks as a browser does, and counts the bytes on the wire. The text is asked for again without compression. */
async function asked(url: string, headers: Readonly<Record<string, string>>): Promise<Answered> {
  const startedAt = performance.now();
  const packed = await bodyOf(url, { ...headers, 'accept-encoding': 'br' });
  const ms = performance.now() - startedAt;
  const isPage = url.endsWith('/') && headers['hx-request'] === undefined;
  const text = isPage ? (await bodyOf(url, headers)).body.toString() : '';
  return { bytes: packed.body.length, ms, text, status: packed.status };
}

async function bodyOf(url: string, headers: Readonly<Record<string, string>>) {
  const request = get(url, { headers });
  const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { body: Buffer.concat(chunks), status: response.statusCode };
}
