import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropDatabase, runScript, sealTemplate } from './databases.ts';
import { type LocalPostgres, startPostgres } from './postgres.ts';

let postgres: LocalPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres[Symbol.asyncDispose]());

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

async function setting(name: string): Promise<unknown> {
  const [row] = await query(postgres.url, `show ${name}`);
  return (row as unknown[])[0];
}

test('can be reached from this machine only, by 300 clients, and counts time in UTC', async () => {
  expect(await setting('listen_addresses')).toBe('127.0.0.1');
  expect(await setting('unix_socket_directories')).toBe('');
  expect(await setting('max_connections')).toBe('300');
  expect(await setting('timezone')).toBe('UTC');
});

test('two more start at the same time, each on its own port; commits skip the disk unless durable is asked for', async () => {
  const [fast, durable] = await Promise.all([startPostgres(), startPostgres({ durable: true })]);
  expect(new Set([fast.port, durable.port, postgres.port]).size).toBe(3);
  expect(await query(fast.url, 'show fsync')).toEqual([['off']]);
  expect(await query(durable.url, 'show fsync')).toEqual([['on']]);
  await Promise.all([fast[Symbol.asyncDispose](), durable[Symbol.asyncDispose]()]);
  expect(existsSync(fast.dir) || existsSync(durable.dir)).toBe(false);
});

test('what was committed is there after a restart and after a kill', async () => {
  await runScript(postgres.url, 'create table kept (n int); insert into kept values (1)');
  await postgres.restart();
  await runScript(postgres.url, 'insert into kept values (2)');
  await postgres.kill();
  await postgres.restart();
  expect(await query(postgres.url, 'select n from kept order by n')).toEqual([[1], [2]]);
});

test('copies of a sealed template are made at the same time, each its own', async () => {
  const template = await postgres.createDatabase('template_of_two');
  await runScript(template, 'create table things (n int); insert into things values (7)');
  await sealTemplate(postgres.url, 'template_of_two');
  const copies = await Promise.all(['one', 'two'].map((name) => postgres.createDatabase(name, 'template_of_two')));
  await runScript(copies[0] as string, 'delete from things');
  expect(await query(copies[1] as string, 'select n from things')).toEqual([[7]]);
});

test('a database is dropped even while somebody is connected to it', async () => {
  const url = await postgres.createDatabase('busy');
  const client = new Client({ connectionString: url });
  const cut = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await dropDatabase(postgres.url, 'busy');
  await cut;
  expect(await query(postgres.url, `select 1 from pg_database where datname = 'busy'`)).toEqual([]);
});
