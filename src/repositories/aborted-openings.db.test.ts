import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CryptoBotClient } from '../clients/cryptobot/client.ts';
import { Mailer } from '../clients/mail/mailer.ts';
import { ClientPolicy } from '../clients/policy.ts';
import { S3Bucket } from '../clients/storage/s3-bucket.ts';
import { TelegramClient } from '../clients/telegram/client.ts';
import { seconds } from '../lib/duration.ts';
import { type TestDatabase, testDatabase } from '../testing/database.ts';
import { testPanel } from '../testing/test-panel.ts';
import { openDatabase } from './database.ts';
import { ExportRows } from './export-rows.ts';

const RANGE = { from: undefined, to: undefined };
const observer = { called() {}, breaker() {} };
const alive = (): void => undefined;

/** The time that an abort may take on a loaded machine. Every limit of a client's own is far longer. */
const AT_ONCE_MS = seconds(3);

/** A server that takes every connection and never says a word: each client hangs while it opens, or waits for the first answer. */
describe('an abort ends', () => {
  let mute: Server;
  let database: TestDatabase;
  const open = new Set<Socket>();
  let onConnection: () => void = () => undefined;
  let address: string;
  beforeAll(async () => {
    database = await testDatabase();
    mute = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined);
      onConnection();
    });
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    address = `127.0.0.1:${(mute.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    for (const socket of open) socket.destroy();
    mute.close();
    await database[Symbol.asyncDispose]();
  });

  const rowsAt = (url: string): ExportRows => {
    const db = openDatabase({ url: database.url, poolSize: 1, onIdleError: () => undefined });
    return new ExportRows(db, url);
  };
  const read = async (rows: AsyncIterable<unknown>): Promise<number> => {
    let groups = 0;
    for await (const _ of rows) groups += 1;
    return groups;
  };
  const bucket = () =>
    new S3Bucket({
      bucket: 'b',
      prefix: 'p',
      checksums: false,
      region: 'r',
      endpoint: `http://${address}`,
      forcePathStyle: true,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
  const policy = (service: string) => new ClientPolicy({ service, observer, timeLimitMs: seconds(60) });

  const OPENINGS: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
    'the connection of an export': (signal) =>
      read(rowsAt(`postgres://a@${address}/b`).payments(RANGE, { alive, signal })),
    'an upload': (signal) => bucket().put('x.csv', Buffer.from('x'), signal),
    'a call to a bucket': (signal) => bucket().stat('x.csv', signal),
    'a call to the panel': (signal) => testPanel({ url: `http://${address}`, token: 't' }).panel.nodes(signal),
    'a call to Crypto Pay': (signal) =>
      new CryptoBotClient({ token: 't', baseUrl: `http://${address}`, policy: policy('cryptobot') }).getMe(signal),
    'a call to Telegram': (signal) =>
      new TelegramClient({ token: '1:t', apiRoot: `http://${address}`, observer }).sendMessage(
        { chatId: 1, text: 'x', plain: 'x', parseMode: 'none' },
        signal,
      ),
    'a mail server': (signal) =>
      new Mailer({
        primaryUrl: `smtp://${address}`,
        resendUrl: undefined,
        from: 'a@b.example',
        mayBeClear: true,
        observer,
      }).verify('primary', signal),
  };

  test.each(Object.entries(OPENINGS))('%s while it opens', async (_name, begin) => {
    const abort = new AbortController();
    const connected = new Promise<void>((resolve) => {
      onConnection = resolve;
    });
    const work = begin(abort.signal);
    work.catch(() => undefined);
    await connected;
    const abortedAt = performance.now();
    abort.abort(new Error('cancelled'));
    await expect(work).rejects.toThrow();
    expect(performance.now() - abortedAt).toBeLessThan(AT_ONCE_MS);
  });

  test('the connection of an export at any moment of its opening, and leaves none behind', async () => {
    const rows = rowsAt(database.url);
    for (let i = 0; i < 40; i += 1) {
      const abort = new AbortController();
      const work = read(rows.payments(RANGE, { alive, signal: abort.signal }));
      work.catch(() => undefined);
      setTimeout(() => abort.abort(new Error('cancelled')), i / 4);
      await work.catch(() => undefined);
    }
    await expect
      .poll(async () => {
        const left = `select 1 from pg_stat_activity where application_name = 'task-worker-export'`;
        return (await database.pool.query(left)).rowCount;
      })
      .toBe(0);
    expect(await read(rows.payments(RANGE, { alive, signal: new AbortController().signal }))).toBe(0);
  });
});
