import { networkInterfaces } from 'node:os';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresUrl } from '../lib/postgres-url.ts';
import { type LocalPostgres, startPostgres } from '../testing/servers/postgres.ts';
import { type LocalRedis, startRedis } from '../testing/servers/redis.ts';
import { openDatabase } from './database.ts';
import { connectRedis } from './redis/connection.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const LOOPBACK = HAS_IPV6 ? '127.0.0.1,::1' : '127.0.0.1';
const note = HAS_IPV6 ? '' : ' (SKIPPED: no IPv6 here)';

describe('addresses of servers', () => {
  let postgres: LocalPostgres;
  let redis: LocalRedis;
  beforeAll(async () => {
    [postgres, redis] = await Promise.all([
      startPostgres({ settings: (dir) => [`unix_socket_directories=${dir}`, `listen_addresses=${LOOPBACK}`] }),
      startRedis({ settings: [`bind ${LOOPBACK.replace(',', ' ')}`] }),
    ]);
  });
  afterAll(async () => {
    await postgres?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });

  /** The address of the server as the session has it; null over a socket in the file system. */
  async function serverAt(url: string): Promise<string | null> {
    const database = openDatabase({ url: postgresUrl(url), poolSize: 1, onIdleError: () => undefined });
    try {
      const { rows } = await sql<{ at: string | null }>`select host(inet_server_addr()) as at`.execute(database);
      return rows[0]!.at;
    } finally {
      await database.destroy();
    }
  }

  test.each([
    [
      'the folder as a parameter',
      (dir: string, port: number) => `postgresql:///postgres?host=${dir}&port=${port}&user=postgres`,
    ],
    ['a user and no host', (dir: string, port: number) => `postgresql://postgres@/postgres?host=${dir}&port=${port}`],
    [
      'a password and no host',
      (dir: string, port: number) => `postgresql://postgres:x%2F@/postgres?host=${dir}&port=${port}`,
    ],
    [
      'the folder as the host',
      (dir: string, port: number) => `postgresql://postgres@${encodeURIComponent(dir)}:${port}/postgres`,
    ],
    [
      'as asyncpg has it',
      (dir: string, port: number) => `postgresql+asyncpg://postgres@/postgres?host=${dir}&port=${port}`,
    ],
  ])('PostgreSQL over a socket in the file system: %s', async (_, urlOf) => {
    expect(await serverAt(urlOf(postgres.dir, postgres.port))).toBeNull();
  });

  test.skipIf(!HAS_IPV6)(`PostgreSQL and Redis at an IPv6 address${note}`, async () => {
    expect(await serverAt(`postgresql://postgres@[::1]:${postgres.port}/postgres`)).toBe('::1');
    const client = connectRedis({
      url: `redis://[::1]:${redis.port}/0`,
      name: 'test',
      whenDown: 'fail',
      onError: () => undefined,
    });
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });
});
