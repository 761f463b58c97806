/** What of an answer is kept in a record: its form, and each value that means something on another day, with other users, too. */

const DAY_MS = 86_400_000;

/** Instants nearer than this to a whole number of days from now are that many days from now. A record takes less. */
const NEAR_MS = 40 * 60_000;

/** Texts that are somebody's, or somebody's secret, or differ each time. */
const TEXTS = new Set([
  'shortUuid',
  'trojanPassword',
  'ssPassword',
  'subscriptionUrl',
  'address',
  'color',
  'emoji',
  'countryEmoji',
  'commitSha',
  'commitUrl',
  'branch',
  'number',
  'time',
  'token',
  'pattern',
  'instanceId',
]);

/** Numbers of a machine, and of what stands in a database besides. */
const NUMBERS = new Set([
  'id',
  'port',
  'pid',
  'rss',
  'heapUsed',
  'heapTotal',
  'external',
  'arrayBuffers',
  'eventLoopDelayMs',
  'eventLoopP99Ms',
  'activeHandles',
  'uptime',
  'timestamp',
  'cores',
  'physicalCores',
  'free',
  'used',
  'active',
  'available',
  'viewPosition',
  'xrayUptime',
]);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** Farther ones are dates of their own, which another day has at another distance. */
const FAR_DAYS = 400;

/** Configuration of a node's proxy: keys and passwords, and nothing that the worker reads. */
const OPAQUE = new Set(['rawInbound', 'config']);

export type Names = { now: number; keys: ReadonlyMap<string, string> };

/** The answer with words in the place of such values: `<uuid>`, `<text>`, `<number>`, `<+30d>`, `{alice}`. */
export function tokenised(value: unknown, names: Names, key = ''): unknown {
  if (OPAQUE.has(key) && value !== null) return '<configuration>';
  if (Array.isArray(value)) return value.map((one) => tokenised(one, names, key));
  if (typeof value === 'object' && value !== null) {
    // What has both, as a node of 3.x, has the uuid as its key. Its number may be that of some user.
    const isNumber = (name: string): boolean => name === 'id' && 'uuid' in value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, isNumber(name) ? '<number>' : tokenised(one, names, name)]),
    );
  }
  if (typeof value === 'number') return numberOf(value, names, key);
  return typeof value === 'string' ? textOf(value, names, key) : value;
}

function numberOf(value: number, { keys }: Names, key: string): unknown {
  const named = key === 'id' && [...keys].find(([, one]) => one === String(value));
  if (named) return `{${named[0]}}`;
  return NUMBERS.has(key) ? '<number>' : value;
}

function textOf(value: string, { keys, now }: Names, key: string): string {
  const named = [...keys].find(([, one]) => one === value);
  if (named) return `{${named[0]}}`;
  if (TEXTS.has(key) && value !== '') return '<text>';
  if (UUID.test(value)) return '<uuid>';
  if (INSTANT.test(value)) return instantOf(Date.parse(value) - now);
  if (DAY.test(value)) return `<day ${Math.round((Date.parse(value) - Math.floor(now / DAY_MS) * DAY_MS) / DAY_MS)}>`;
  if (key === 'path' || key === 'message') return withKeys(value, keys);
  return value;
}

/** Keys as parts of a path. */
function withKeys(path: string, keys: Names['keys']): string {
  const names = new Map([...keys].map(([name, key]) => [key, name]));
  return path.replace(/(?<=\/)[^/?\s]+/g, (part) => (names.has(part) ? `{${names.get(part)}}` : part));
}

function instantOf(fromNow: number): string {
  const days = Math.round(fromNow / DAY_MS);
  if (Math.abs(fromNow - days * DAY_MS) > NEAR_MS || Math.abs(days) > FAR_DAYS) return '<instant>';
  return `<${days < 0 ? '' : '+'}${days}d>`;
}
