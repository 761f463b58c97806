/** Keys as the real Python worker left them in Redis, and the stand-in that writes them for other tests. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PythonKeyWriter } from '../../testing/python-keys.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

type RecordedKey = { key: string; type: string; ttl_seconds: number; value: unknown };

const RECORD = new URL('../../../test/originals/python-worker/redis-keys.json', import.meta.url);
const { keys: recorded } = JSON.parse(await readFile(RECORD, 'utf8')) as { keys: RecordedKey[] };
const ofKind = (kind: string): RecordedKey => recorded.find(({ key }) => key === kind)!;
const fieldsOf = (text: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(JSON.parse(text as string)).map(([name, value]) => [name, typeof value]));

let world: TestApp;
beforeAll(async () => {
  world = await testApp();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.redis.client.flushall());

test('each kind that is taken over is understood, and the rest is left alone', async () => {
  const { client } = world.redis;
  const now = new Date();
  const at = String(Math.floor(now.getTime() / 1000) - 600);
  for (const { key, ttl_seconds: ttl, type, value } of recorded) {
    expect(type).toBe('string');
    const name = key.replace('{uuid}', randomUUID()).replace('{seconds}', at).replace('{date}', '2026-11-28');
    // An idle node moves nothing, and nothing is no sample.
    await client.set(name, String(value).replace('"total":0', '"total":30'), 'EX', Math.max(ttl, 60));
  }
  const before = new Set(await client.keys('*'));
  const counts = await world.app.parts.takeover.run(now, new AbortController().signal);
  const services = recorded.filter(({ key }) => key.startsWith('cybervpn:health:services:')).length;
  expect(counts).toMatchObject({ nodes: 1, services, samples: 1 });
  const gone = [...before].filter((key) => !key.includes(':health:') && !key.includes(':bandwidth:'));
  expect(await client.exists(...gone)).toBe(gone.length);
});

test('the stand-in writes the same fields of the same types for the same time', async () => {
  const { client } = world.redis;
  const python = new PythonKeyWriter(client);
  const [uuid, at] = [randomUUID(), new Date()];
  await python.node(uuid, { status: 'online', name: 'Node', country: 'DE', at });
  await python.service('redis', { isUp: true, failures: 0, at });
  await python.snapshot(uuid, at, 30);
  for (const name of await client.keys('*')) {
    const kind = name.replace(uuid, '{uuid}').replace(/\d{10}$/, '{seconds}');
    const original = ofKind(kind);
    expect(original, kind).toBeDefined();
    expect(fieldsOf(await client.get(name)), kind).toEqual(fieldsOf(original.value));
    // A recorded key had been there for some minutes.
    expect(await client.ttl(name), kind).toBeGreaterThanOrEqual(original.ttl_seconds);
  }
});
