/** Names that the real Python worker exports too: dashboards and rules of the platform ask for them by type and labels. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

type Exported = Record<string, { type: string; labels: string[] }>;

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Its labels say other things, and nobody asks for them. */
const OWN_LABELS = ['cybervpn_worker_info'];

test('a metric of the same name has the same type and at least the labels that the Python worker has', async () => {
  const { metrics } = JSON.parse(await read('test/originals/python-worker/metrics.json')) as { metrics: Exported };
  // The table is made from the code, and a test holds it against it.
  const rows = (await read('docs/metrics.md')).matchAll(/^\| `([a-z_]+)` \| (\w+) \| ([^|]*) \|/gm);
  const ours = new Map([...rows].map(([, name, type, labels]) => [name!, { type: type!, labels: labels! }]));
  const shared = Object.entries(metrics).filter(([name]) => ours.has(name) && !OWN_LABELS.includes(name));
  expect(shared.map(([name]) => name)).toEqual(
    expect.arrayContaining(['cybervpn_queue_depth', 'cybervpn_external_requests_total']),
  );
  for (const [name, { labels, type }] of shared) {
    expect(ours.get(name)!.type, name).toBe(type);
    for (const label of labels) expect(ours.get(name)!.labels, name).toContain(label);
  }
});
