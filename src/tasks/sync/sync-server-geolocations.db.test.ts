import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { createServerGeolocations } from '../../testing/platform-tables.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

describe.each([2, 3] as const)('sync_server_geolocations, panel %i.x', (generation) => {
  let panel: PanelSandbox;
  let world: TestApp;
  beforeAll(async () => {
    panel = await startPanelSandbox({ generation });
    world = await testApp({ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await panel.stop();
  });
  beforeEach(async () => {
    await panel.stop();
    panel = await startPanelSandbox({ generation, port: panel.port });
    await world.database.pool.query('drop table if exists server_geolocations');
    await createServerGeolocations(world.database.url);
    await world.redis.client.flushall();
  });

  const add = (name: string, countryCode: string) => panel.addNode({ name, countryCode });
  const sync = () => world.run('sync_server_geolocations');
  const rows = async () =>
    (await world.database.pool.query('select * from server_geolocations order by created_at, node_uuid')).rows as {
      node_uuid: string;
      country_code: string;
      city: string | null;
      latitude: string;
      longitude: string;
      updated_at: Date;
    }[];

  test('every node gets a place within its country, and a second run changes nothing', async () => {
    add('Amsterdam', 'NL');
    add('Berlin', 'DE');
    expect(await sync()).toMatchObject({ added: 2, moved: 0, corrected: 0 });
    const first = await rows();
    const german = first.find(({ country_code }) => country_code === 'DE')!;
    expect(Math.abs(Number(german.latitude) - 51.17)).toBeLessThan(1);
    expect(Math.abs(Number(german.longitude) - 10.45)).toBeLessThan(1.5);

    expect(await sync()).toMatchObject({ added: 0, unchanged: 2 });
    expect(await rows()).toEqual(first);
  });

  test('two nodes in a country do not coincide', async () => {
    for (let i = 0; i < 20; i += 1) add(`Frankfurt ${i}`, 'DE');
    expect(await sync()).toMatchObject({ added: 20 });
    const places = (await rows()).map(({ latitude, longitude }) => `${latitude} ${longitude}`);
    expect(new Set(places).size).toBe(20);
  });

  test.each([
    ['coordinates', 'latitude = 52.5200000, longitude = 13.4050000'],
    ['one coordinate', 'latitude = latitude + 0.0000001'],
    ['the city', "city = 'Berlin'"],
    ['the country', "country_code = 'AT'"],
  ])('a row whose %s an admin corrected stays as it is', async (_what, change) => {
    add('Berlin', 'DE');
    await sync();
    await world.database.pool.query(`update server_geolocations set ${change}`);
    const corrected = await rows();
    expect(await sync()).toMatchObject({ corrected: 1, moved: 0, unchanged: 0 });
    expect(await rows()).toEqual(corrected);
  });

  test('a node whose country changed in the panel moves', async () => {
    const node = add('Berlin', 'DE');
    await sync();
    node.countryCode = 'PL';
    expect(await sync()).toMatchObject({ moved: 1 });
    const [row, ...others] = await rows();
    expect(others).toEqual([]);
    expect(row).toMatchObject({ node_uuid: node.uuid, country_code: 'PL' });
    expect(Math.abs(Number(row!.latitude) - 51.92)).toBeLessThan(1);
    expect(row!.updated_at.getTime()).toBeGreaterThan(0);
  });

  test('a node whose country is unknown is counted and left out', async () => {
    add('Nowhere', 'XX');
    expect(await sync()).toMatchObject({ added: 0, unknown: 1 });
    expect(await rows()).toEqual([]);
  });

  test('a missing table is said once, and the task is skipped, not failed', async () => {
    await world.database.pool.query('drop table server_geolocations');
    add('Berlin', 'DE');
    expect(await sync()).toMatchObject({ skipped: 1, added: 0 });
    expect(await sync()).toMatchObject({ skipped: 1 });
    expect(await world.redis.client.keys('cybervpn:alert:server_geolocations_missing')).toHaveLength(1);
  });
});
