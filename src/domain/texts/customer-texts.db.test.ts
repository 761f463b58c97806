import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hours, minutes } from '../../lib/duration.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'check_expiring_subscriptions';

describe('texts of the owner', () => {
  let world: SubscriptionWorld;
  let folder: string;
  let people = 0;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'texts-'));
    stack.defer(() => rm(folder, { recursive: true }));
    world = stack.use(await subscriptionWorld(3, { TEXTS_DIR: folder, PUBLIC_URL: 'https://worker.example' }));
    world.crowd(200);
  });
  afterAll(() => stack.disposeAsync());
  beforeEach(() => world.app.telegram.faults());

  const texts = () => world.app.app.services.customerTexts;
  const pool = () => world.app.database.pool;
  const stateOf = async (locale: 'en' | 'ru' = 'en') =>
    (await texts().states()).states.find((one) => one.name === 'reminder' && one.locale === locale)!;
  const save = (text: string | undefined, more: { after?: number; by?: string } = {}) =>
    texts().save({ name: 'reminder', locale: 'en', text, by: 'token:olga', ...more });
  /** What a customer with this name, whose time ends in five hours, gets. */
  const remind = async (username = `user_${people}`): Promise<string> => {
    people += 1;
    const { telegramId } = world.customer(username, { endsInMs: hours(5) });
    await world.run(TASK);
    return (await world.deliver(telegramId!)).at(-1)!;
  };
  const file = async (name: string, text: string): Promise<void> => {
    await writeFile(join(folder, name), text);
    await texts().states();
  };

  test('without our own schema, and in a folder without files, customers get the built-in text', async () => {
    expect(await stateOf()).toMatchObject({ from: 'built_in', text: undefined, why: undefined });
    expect(await remind()).toMatch(/^🔴 Your subscription ends in 5 hours/);
    await expect(texts().versions('reminder', 10)).rejects.toThrow();
  });

  test('a file takes the place of the built-in text; a broken one does not, and the admins are told once, with a link', async () => {
    await file('reminder.en.html', 'From the folder: <b>{username}</b> {time_left}\r\n');
    expect(await remind('a_<b>')).toBe('From the folder: a_<b> in 5 hours');
    await file('reminder.en.html', 'Broken: <b>{username}');
    expect(await stateOf()).toMatchObject({ from: 'built_in', why: expect.stringContaining('never closes it') });
    for (let i = 0; i < 2; i += 1) expect(await remind()).toMatch(/^🔴 Your subscription/);
    await file('nonsense.en.html', 'x');
    await file('.hidden', 'x');
    expect((await texts().states()).stray).toEqual([{ file: 'nonsense.en.html', why: 'name' }]);
    const told = (await world.alerts()).filter((text) => text.includes('reminder.en.html'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('<a href="https://worker.example/texts/reminder">');
    await file('reminder.en.html', 'From the folder: {username}');
  });

  test('a text of the page comes before the file, each version is kept, and taken back the file holds again', async () => {
    await installOwnSchema(world.app.app.parts.foundation.database);
    expect(await save('Page 1: {username}')).toBe(1);
    expect(await save('Page 2: {username}', { after: 1, by: 'token:max' })).toBe(2);
    expect(await save('too late', { after: 1 })).toBeUndefined();
    expect(await remind('שלום 👩‍👩‍👧‍👦')).toBe('Page 2: שלום 👩‍👩‍👧‍👦');
    expect(await stateOf()).toMatchObject({ from: 'page', text: 'Page 2: {username}' });
    expect((await stateOf('ru')).from).toBe('built_in');
    expect(await save(undefined)).toBe(3);
    expect(await remind('bob')).toBe('From the folder: bob');
    const versions = await texts().versions('reminder', 10);
    expect(versions.map(({ by, text, version }) => [version, by, text])).toEqual([
      [3, 'token:olga', undefined],
      [2, 'token:max', 'Page 2: {username}'],
      [1, 'token:olga', 'Page 1: {username}'],
    ]);
    expect(await texts().find('reminder', 'en', 1)).toMatchObject({ text: 'Page 1: {username}' });
  });

  test('of two who save at the same moment after the same version, one is told that the other was first', async () => {
    const { version } = await stateOf();
    const saved = await Promise.all(['A', 'B', 'C'].map((text) => save(text, { after: version!.version })));
    expect(saved.filter((one) => one !== undefined)).toEqual([version!.version + 1]);
  });

  test('a message that waits is sent in the words that hold when it is sent', async () => {
    await save('Before: {username}');
    const { telegramId } = world.customer('waits', { endsInMs: hours(5) });
    await world.run(TASK);
    await save('After: {username}');
    expect(await world.deliver(telegramId!)).toEqual(['After: waits']);
  });

  test('a text that Telegram refuses is sent in the built-in words, not used any more, and told once', async () => {
    const version = await save('Refused: {username}');
    // What waits from the tests before.
    await world.deliver();
    const body = { ok: false, error_code: 400, description: "Bad Request: can't parse entities: something new" };
    world.app.telegram.faults({ kind: 'error', status: 400, body, path: 'sendMessage', count: 1 });
    expect(await remind()).toMatch(/^🔴 Your subscription/);
    world.app.telegram.faults();
    expect(await remind()).toMatch(/^From the folder/);
    expect(await stateOf()).toMatchObject({ from: 'folder', why: expect.stringContaining('something new') });
    const told = (await world.alerts()).filter((text) => text.includes(`version ${version}.`));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('something new');
    const rows = (await world.messages()).filter(({ status }) => status !== 'sent');
    expect(rows).toEqual([]);
  });

  test('while the texts cannot be read those that were last known hold, and no message waits', async () => {
    await save('Known: {username}');
    await pool().query('alter table task_worker.customer_texts rename column body to hidden');
    try {
      await texts().states();
      expect(await remind('zoe')).toBe('Known: zoe');
    } finally {
      await pool().query('alter table task_worker.customer_texts rename column hidden to body');
    }
    await pool().query('alter table task_worker.customer_texts rename to away');
    await texts().states();
    expect(await remind('tom')).toBe('From the folder: tom');
    await pool().query('alter table task_worker.away rename to customer_texts');
    await texts().states();
    expect(await remind('mia')).toBe('Known: mia');
  });

  test('a lock on the texts holds no message up', async () => {
    const client = await pool().connect();
    await client.query('begin; lock table task_worker.customer_texts in access exclusive mode');
    const reading = texts().states();
    const began = performance.now();
    await texts().ready();
    expect(performance.now() - began).toBeLessThan(minutes(1));
    expect(texts().wording.own('reminder', 'en')?.text).toBe('Known: {username}');
    await client.query('rollback');
    client.release();
    await reading;
  });
});
