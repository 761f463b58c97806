import { afterEach, expect, test, vi } from 'vitest';
import { minutes } from '../../src/lib/duration.ts';
import {
  isFetched,
  NEWEST_VERSIONS,
  PLATFORM_VERSIONS,
  searchPathOf,
} from '../../src/testing/servers/server-versions.ts';
import { until } from '../../src/testing/until.ts';
import { World } from '../../src/testing/world/world.ts';
import { WORK_ENVIRONMENT, Work } from '../topology/work.ts';

const TIMEOUT_MS = minutes(4);

afterEach(() => vi.unstubAllEnvs());

for (const versions of [PLATFORM_VERSIONS, NEWEST_VERSIONS]) {
  const fetched = isFetched(versions);
  const skipped = fetched ? '' : 'SKIPPED: node tools/matrix/fetch-servers.ts could not fetch them: ';
  test.skipIf(!fetched)(
    `${skipped}${versions.name}, ${versions.why}: history, a broadcast, a bulk operation and payments outlive restarts of both, each once`,
    async () => {
      vi.stubEnv('PATH', searchPathOf(versions));
      await using world = await World.start({ appendonly: true, panel: { generation: 2 }, env: WORK_ENVIRONMENT });
      expect(await namesOf(world)).toBe(versions.name);
      expect(await world.command(['schema', 'install'])).toMatchObject({ code: 0 });
      expect(await world.command(['schema', 'check'])).toMatchObject({ code: 0 });
      const work = new Work(world, await world.start('all'));
      await work.begin();

      await world.redis.restart();
      await world.postgres.restart();
      await work.payTheRest();

      await work.ends((text) => world.pool.query(text));
      await until('history has the broadcast', async () => {
        const { stdout } = await world.command(['runs', '--task', 'execute_bulk_broadcast', '--json']);
        const { runs } = JSON.parse(stdout) as { runs: { state: string }[] };
        return runs.filter(({ state }) => state === 'success').length === 1;
      });
    },
    // Kills and restarts and restarts take half a minute; on a busy machine, several.
    TIMEOUT_MS,
  );
}

/** As the servers call themselves. */
async function namesOf(world: World): Promise<string> {
  const info = await world.redisClient.info('server');
  const valkey = /^valkey_version:(\d+\.\d+)/m.exec(info)?.[1];
  const redis = /^redis_version:(\d+)/m.exec(info)?.[1];
  const postgres = (await world.pool.query('show server_version')).rows[0].server_version as string;
  return `PostgreSQL ${Number.parseInt(postgres, 10)} and ${valkey ? `Valkey ${valkey}` : `Redis ${redis}`}`;
}
