import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowsPrefix } from '../domain/notifications/broadcast-ids.ts';
import { broadcastOf } from '../testing/broadcast-drafts.ts';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { runCommandLine } from './command-line.ts';

describe('texts and broadcasts at the command line', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function cli(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const ended = { code: 0, out: '', err: '' };
    ended.code = await runCommandLine(argv, {
      env: world.env,
      stdout(text) {
        ended.out += text;
      },
      stderr(text) {
        ended.err += text;
      },
      stop: new Promise(() => undefined),
    });
    return ended;
  }
  const json = async (...argv: string[]) => JSON.parse((await cli(...argv, '--json')).out);
  const audited = async (entity: string) => {
    const { rows } = await world.database.pool.query<{ action: string }>(
      'select action from audit_logs where entity_id = $1 order by created_at',
      [entity],
    );
    return rows.map(({ action }) => action);
  };
  async function file(text: string): Promise<string> {
    const path = join(world.redis.server.dir, `${randomUUID()}.html`);
    await writeFile(path, text);
    return path;
  }

  test('without our own schema texts are listed, and what needs it says what to run', async () => {
    expect((await cli('texts')).out).toMatch(/^reminder +en +/m);
    const path = await file('<b>{username}</b>');
    for (const argv of [['texts', 'save', 'reminder', '--file', path], ['broadcast']]) {
      const { code, err } = await cli(...argv);
      expect(code).toBe(1);
      expect(err).toContain('task-worker schema install');
    }
  });

  test('a text is shown, saved from a file, taken back, and an earlier version restored', async () => {
    expect((await cli('schema', 'install')).code).toBe(0);
    expect((await cli('texts', 'show', 'reminder', '--locale', 'ru')).out).toContain('Подписка заканчивается');
    const path = await file('Ends {time_left}: {username}');
    expect((await cli('texts', 'save', 'reminder', '--file', path)).out).toContain('in force as version 1');
    expect((await cli('texts', 'show', 'reminder')).out).toBe('Ends {time_left}: {username}\n');
    expect((await cli('texts', 'restore', 'reminder')).out).toContain('is taken back (version 2)');
    expect((await cli('texts', 'show', 'reminder')).out).toContain('Your subscription ends');
    expect(await json('texts', 'restore', 'reminder', '--version', '1')).toEqual({
      ...{ name: 'reminder', locale: 'en', version: 3 },
    });
    const { texts } = await json('texts');
    expect(texts).toContainEqual(
      expect.objectContaining({ name: 'reminder', locale: 'en', version: expect.anything() }),
    );
    expect(await audited('reminder')).toHaveLength(3);
  });

  test.each([
    [['show', 'remindr'], "There is no text 'remindr'"],
    [['show', 'reminder', '--locale', 'de'], '--locale is en or ru'],
    [['save', 'reminder'], '--file says where the text is'],
    [['save', 'reminder', '--file', '/nowhere/x'], 'cannot be read'],
    [['restore', 'reminder', '--version', 'x'], '--version is a number'],
    [['restore', 'reminder', '--version', '99'], 'has no version 99 in en'],
    [['drop', 'reminder'], "not 'drop'"],
  ])('texts %j is refused with what is wrong', async (argv, why) => {
    const { code, err } = await cli('texts', ...argv);
    expect(code).toBe(64);
    expect(err).toContain(why);
  });

  test('a broken text is not saved', async () => {
    const before = await json('texts');
    const { code, err } = await cli('texts', 'save', 'reminder', '--file', await file('<b>{username}'));
    expect(code).toBe(64);
    expect(err).toContain('--file: the text ');
    expect(await json('texts')).toEqual(before);
  });

  test('a broadcast is listed, shown, held, continued and cancelled, each audited', async () => {
    const { plannedBroadcasts } = world.app.services;
    expect((await cli('broadcast')).out).toBe('No broadcast was planned yet.\n');
    const id = randomUUID();
    await plannedBroadcasts.add(id, rowsPrefix(id), broadcastOf(), 'token:olga');
    await plannedBroadcasts.schedule(id, new Date('2026-01-01T00:00:00Z'), 'token:olga');
    expect((await cli('broadcast')).out).toMatch(new RegExp(`${id} +scheduled +2026-01-01T00:00:00.000Z +\\S+ +news`));
    expect((await cli('broadcast', 'show', id)).out).toMatch(/^news: scheduled\n/);
    expect(await json('broadcast', 'show', id)).toMatchObject({ id, messages: { total: 0 }, deletion: null });
    await plannedBroadcasts.begin(id, new Date(), new Date(0));
    expect(await json('broadcast', 'pause', id)).toEqual({ id, state: 'paused' });
    expect((await cli('broadcast', 'resume', id)).out).toBe('news is sending now\n');
    const early = await cli('broadcast', 'delete', id);
    expect(early).toMatchObject({ code: 64, err: expect.stringContaining('once it is over') });
    expect((await cli('broadcast', 'cancel', id)).out).toBe('news is cancelled now\n');
    await plannedBroadcasts.end(id, new Date());
    expect((await cli('broadcast', 'delete', id)).out).toContain('is being deleted');
    expect(await audited(id)).toEqual(['pause', 'resume', 'cancel', 'deleted'].map((act) => `broadcast.${act}`));
    for (const argv of [['show', 'x'], ['show', randomUUID()], ['stop', id], ['show']])
      expect((await cli('broadcast', ...argv)).code).toBe(64);
  });
});
