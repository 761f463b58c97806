import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TEXT_NAMES } from '../../../../lib/customer-texts.ts';
import { installOwnSchema } from '../../../../repositories/history/own-schema.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

describe('texts of customers, on the page and at the API', () => {
  let world: ConsoleWorld;
  let folder: string;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'texts-'));
    stack.defer(() => rm(folder, { recursive: true }));
    world = stack.use(await consoleWorld({ env: { TEXTS_DIR: folder } }));
  });
  afterAll(() => stack.disposeAsync());

  const api = (method: 'GET' | 'POST', path: string, payload?: object) =>
    world.call(method, `/api/v1/texts${path}`, { ...(payload && { payload }) });
  const save = (fields: Readonly<Record<string, string>>, plain = false) =>
    world.submit('/texts/reminder', { _deed: 'save', _key: 'en', locale: 'en', ...fields }, { plain });

  test('without our own schema the page says what to run and how texts come before each other; files work', async () => {
    await writeFile(join(folder, 'expired.en.html'), 'Ended: {username}');
    const list = (await world.open('/texts')).body;
    expect(list).toContain('task-worker schema install');
    expect(list).toContain('A text made here comes before a file of TEXTS_DIR, and that before the built-in one.');
    for (const name of TEXT_NAMES) expect(list).toContain(`href="/texts/${name}"`);
    expect(list).toContain('from the folder');
    const page = (await world.open('/texts/expired')).body;
    expect(page).toContain('task-worker schema install');
    expect(page).toContain('Ended: anna');
    expect((await api('POST', '/expired', { locale: 'en', text: 'x' })).statusCode).toBe(409);
    expect((await world.open('/texts/nonsense', { mayFail: true })).statusCode).toBe(404);
    await installOwnSchema(world.world.app.parts.foundation.database);
  });

  test('a broken text is refused beside its field with what to do, in the reader’s language, and what was typed stays', async () => {
    const refused = await save({ after: '0', text: 'Hi <b>{username}' });
    expect(refused.body).toContain('opens &lt;b&gt; in line 1 and never closes it: add the end tag');
    expect(refused.body).toContain('Hi &lt;b&gt;{username}');
    const russian = await world.submit(
      '/texts/reminder',
      { _deed: 'save', _key: 'en', locale: 'en', after: '0', text: 'Hi {name}' },
      { headers: { 'accept-language': 'ru' } },
    );
    expect(russian.body).toContain('называет {name}, которой в этом тексте нет');
    const problem = await api('POST', '/reminder', { locale: 'en', text: 'Hi {name}' });
    expect(problem.statusCode).toBe(422);
    expect(problem.json().errors).toEqual([{ pointer: '/text', detail: expect.stringContaining('names {name}') }]);
    expect((await api('GET', '/reminder')).json().versions).toEqual([]);
  });

  test('saved after a question that shows it with values, kept in versions, taken back to any of them', async () => {
    const asked = await save({ after: '0', text: 'Hello {username}\r\n' });
    expect(asked.body).toContain('A customer will read: “Hello anna”.');
    expect((await save({ after: '0', text: 'Hello {username}\r\n', _sure: 'yes' }, true)).statusCode).toBeLessThan(400);
    expect((await api('POST', '/reminder', { locale: 'en', text: 'Second', after: 0 })).statusCode).toBe(409);
    expect((await api('POST', '/reminder', { locale: 'en', text: 'Second {brand}', after: 1 })).json()).toEqual({
      version: 2,
    });
    const page = (await world.open('/texts/reminder')).body;
    expect(page).toContain('Second CyberVPN');
    expect(page).toContain('Hello {username}');
    expect((await api('POST', '/reminder/restore', { locale: 'en', version: 9 })).statusCode).toBe(404);
    expect((await api('POST', '/reminder/restore', { locale: 'en', version: 1 })).json()).toEqual({ version: 3 });
    expect((await api('POST', '/reminder/restore', { locale: 'en' })).json()).toEqual({ version: 4 });
    const { texts, versions, variables } = (await api('GET', '/reminder')).json();
    expect(texts[0]).toMatchObject({ name: 'reminder', locale: 'en', from: 'built_in', version: 4 });
    expect(versions.map(({ text, version }: { text?: string; version: number }) => [version, text])).toEqual([
      [4, undefined],
      [3, 'Hello {username}'],
      [2, 'Second {brand}'],
      [1, 'Hello {username}'],
    ]);
    expect(variables).toContainEqual({
      name: 'renew_url',
      meaning: 'address where one renews',
      required: false,
      optional: true,
    });
    const { rows } = await world.world.database.pool.query(
      "select action from audit_logs where entity_type = 'text' order by created_at",
    );
    expect(rows.map(({ action }) => action)).toEqual([
      ...['text.saved', 'text.saved', 'text.restored', 'text.restored'],
    ]);
  });

  test('a preview has names of every kind, with signs of HTML as signs', async () => {
    const { samples } = (
      await api('POST', '/payment_failed/preview', { locale: 'ru', text: '<b>{plan}</b>\n{amount}' })
    ).json();
    expect(samples).toHaveLength(6);
    expect(samples[1].text).toMatch(/^<b>&lt;b&gt;&amp;&quot;tom&quot;<\/b>\n/);
    expect(samples[5].text).not.toContain('\n');
  });
});
