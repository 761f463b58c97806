import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresUrl } from '../../src/lib/postgres-url.ts';
import { openDatabase } from '../../src/repositories/database.ts';
import { connectRedis } from '../../src/repositories/redis/connection.ts';
import { createPlatformTables, createServerGeolocations } from '../../src/testing/platform-tables.ts';
import { Certificates } from '../../src/testing/servers/certificates.ts';
import { type LocalPostgres, startPostgres } from '../../src/testing/servers/postgres.ts';
import { type LocalRedis, startRedis } from '../../src/testing/servers/redis.ts';
import { until } from '../../src/testing/until.ts';
import { commandHere } from '../../src/testing/world/command-here.ts';
import { World } from '../../src/testing/world/world.ts';

describe('with TLS and a certificate authority of one’s own', () => {
  let own: Certificates;
  let foreign: Certificates;
  let redis: LocalRedis;
  let postgres: LocalPostgres;
  let world: World;
  beforeAll(async () => {
    // The certificates hold the name and not the address, so that it matters which of them the URL uses.
    [own, foreign] = await Promise.all([Certificates.make('DNS:localhost'), Certificates.make('DNS:localhost')]);
    [redis, postgres] = await Promise.all([startRedis({ tls: own }), startPostgres({ tls: own })]);
    world = await World.start({
      env: {
        REDIS_URL: redisUrl('localhost', `ssl_ca_certs=${own.files.ca}`),
        DATABASE_URL: databaseUrl('localhost', `sslmode=verify-full&sslrootcert=${own.files.ca}`),
        SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
      },
    });
    await createPlatformTables(world.databaseUrl);
    await createServerGeolocations(world.databaseUrl);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await Promise.all([redis, postgres, own, foreign].map((one) => one?.[Symbol.asyncDispose]()));
  });

  const redisUrl = (host: string, query: string): string => `rediss://${host}:${redis.port}/0?${query}`;
  const databaseUrl = (host: string, query: string): string =>
    `postgresql://postgres@${host}:${postgres.port}/postgres?${query}`;

  /** `PONG`, or the reason that there is no connection. */
  async function pingRedis(url: string): Promise<string> {
    let trouble: Error | undefined;
    const onError = (error: Error): void => {
      trouble ??= error;
    };
    const client = connectRedis({ url, name: 'test', whenDown: 'fail', onError });
    const answer = await client.ping().catch((error: Error) => (trouble ?? error).message);
    client.disconnect();
    return answer;
  }

  /** Whether the connection is encrypted, or the reason that there is none. */
  async function askPostgres(url: string): Promise<boolean | string> {
    const db = openDatabase({ url: postgresUrl(url), poolSize: 1, onIdleError: () => undefined });
    const query = sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
    const answer = await query.execute(db).then(
      ({ rows }) => rows[0]!.ssl,
      (error: Error) => error.message,
    );
    await db.destroy();
    return answer;
  }

  test('a worker delivers notifications, and doctor says how it is connected', async () => {
    await using _worker = await world.start('all');
    const client = new Client({ connectionString: world.databaseUrl });
    await client.connect();
    await client.query(
      "insert into notification_queue (id, telegram_id, message, scheduled_at) values (gen_random_uuid(), 7, 'safe', now())",
    );
    await client.end();
    await until('it arrives', () => world.telegram.messages({ chatId: 7 }).length === 1);
    const { stdout } = await commandHere(['doctor'], world.env);
    expect(stdout).toMatch(/✓ Server +(Redis|Valkey) .*, one server, TLS \(/);
    expect(stdout).toMatch(/✓ Server +PostgreSQL .*, TLSv1\.\d \(/);
  });

  test('Redis is talked to only where its certificate is what was asked for', async () => {
    expect(await pingRedis(redisUrl('localhost', `ssl_ca_certs=${own.files.ca}`))).toBe('PONG');
    expect(await pingRedis(redisUrl('localhost', `ssl_ca_certs=${foreign.files.ca}`))).toMatch(/self-signed|unable to/);
    expect(await pingRedis(redisUrl('localhost', ''))).toMatch(/self-signed|unable to/);
    expect(await pingRedis(redisUrl('127.0.0.1', `ssl_ca_certs=${own.files.ca}`))).toMatch(/does not match/);
    expect(await pingRedis(redisUrl('127.0.0.1', `ssl_ca_certs=${own.files.ca}&ssl_check_hostname=false`))).toBe(
      'PONG',
    );
    expect(await pingRedis(redisUrl('127.0.0.1', 'ssl_cert_reqs=none'))).toBe('PONG');
    const withClient = `ssl_ca_certs=${own.files.ca}&ssl_certfile=${own.files.certificate}&ssl_keyfile=${own.files.key}`;
    expect(await pingRedis(redisUrl('localhost', withClient))).toBe('PONG');
  });

  test('PostgreSQL is talked to only where its certificate is what was asked for', async () => {
    const ca = (one: Certificates): string => `sslrootcert=${one.files.ca}`;
    expect(await askPostgres(databaseUrl('localhost', `sslmode=verify-full&${ca(own)}`))).toBe(true);
    expect(await askPostgres(databaseUrl('localhost', `sslmode=verify-full&${ca(foreign)}`))).toMatch(
      /self-signed|unable to/,
    );
    expect(await askPostgres(databaseUrl('localhost', 'sslrootcert=system'))).toMatch(/self-signed|unable to/);
    expect(await askPostgres(databaseUrl('127.0.0.1', `sslmode=verify-ca&${ca(own)}`))).toBe(true);
    expect(await askPostgres(databaseUrl('127.0.0.1', `sslmode=verify-ca&${ca(foreign)}`))).toMatch(
      /self-signed|unable to/,
    );
    expect(await askPostgres(databaseUrl('127.0.0.1', 'sslmode=require'))).toBe(true);
    expect(await askPostgres(databaseUrl('127.0.0.1', 'sslmode=disable'))).toMatch(/no encryption/);
  });
});
