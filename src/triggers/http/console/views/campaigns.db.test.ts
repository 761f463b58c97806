import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPanelSandbox } from '../../../../../sandbox/panel/server.ts';
import { runCommandLine } from '../../../../app/command-line.ts';
import { days, hours } from '../../../../lib/duration.ts';
import { installOwnSchema } from '../../../../repositories/history/own-schema.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

const BUILT_IN = '00000000-0000-8000-8000-000000000001';

describe('campaigns', () => {
  let console: ConsoleWorld;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    const panel = await startPanelSandbox({ generation: 3 });
    stack.defer(() => panel.stop());
    for (const chat of [11, 12])
      panel.addUser({
        username: `user_${chat}`,
        telegramId: chat,
        expireAt: panel.now().getTime() + days(chat - 10) - hours(1),
      });
    console = stack.use(await consoleWorld({ env: { REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token } }));
  });
  afterAll(() => stack.disposeAsync());

  /** Runs `task-worker campaigns` in this process. */
  async function cli(...words: string[]): Promise<{ code: number; out: string; err: string }> {
    const ended = { code: 0, out: '', err: '' };
    ended.code = await runCommandLine(['campaigns', ...words], {
      env: console.world.env,
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

  test('without our own schema each page and the command line say what to run', async () => {
    for (const url of ['/campaigns', '/campaigns/new', `/campaigns/${randomUUID()}`])
      expect((await console.open(url, { mayFail: true })).body).toContain('task-worker schema install');
    expect((await cli()).err).toContain('task-worker schema install');
    await installOwnSchema(console.world.app.parts.foundation.database);
  });

  test('one in place of the built-in is made, started after a question, changed, paused and ended', async () => {
    expect((await console.open('/campaigns')).body).toContain('Reminders, built in');
    expect((await console.open(`/campaigns/${BUILT_IN}`)).body).toContain(`/campaigns/new?like=${BUILT_IN}`);
    const like = (await console.open(`/campaigns/new?like=${BUILT_IN}`)).body;
    expect(like).toContain('value="168"');
    const id = randomUUID();
    const fields = { name: 'Mine', trigger: 'before_end', at_1: '48', text_en_1: 'Hi {username}', text_ru_1: 'Привет' };
    const form = { _deed: 'keep', id, ...fields, in_place_of_built_in: 'on' };
    const kept = await console.submit('/campaigns/new', form);
    expect(kept.headers['hx-location'] ?? kept.headers['hx-redirect'] ?? kept.body).toContain(`/campaigns/${id}`);
    const page = `/campaigns/${id}`;
    expect((await console.open(page)).body).toContain('Hi user_12');
    expect((await console.submit(page, { _deed: 'start' })).body).toContain('It would write to 2 customers now');
    expect((await console.submit(page, { _deed: 'start', _sure: 'yes' })).body).toContain('It is done');
    expect(await console.world.run('run_campaigns')).toMatchObject({ queued: 2 });
    const { body } = await console.open(page);
    expect(body).toContain('Nobody is at a step now');
    expect(body).toContain('nothing to compare with');
    await console.submit(`/campaigns/new?of=${id}`, { ...form, id: randomUUID(), name: 'Mine 2', holdout: '10' });
    expect((await console.open(`/campaigns/new?of=${id}`)).body).toContain('value="Mine 2"');
    for (const [deed, state] of [
      ['pause', 'paused'],
      ['start', 'running'],
      ['end', 'ended'],
    ] as const) {
      await console.submit(page, { _deed: deed, _sure: 'yes' });
      expect((await console.context.campaigns.campaigns.find(id))?.state, deed).toBe(state);
    }
    expect((await console.submit(page, { _deed: 'start', _sure: 'yes' })).body).toContain('in another state by now');
    expect((await console.submit(`/campaigns/new?of=${id}`, form)).body).toContain('nothing was changed');
  });

  test('each mistake of the form is told, and nothing is kept', async () => {
    const id = randomUUID();
    const told = async (fields: Readonly<Record<string, string>>): Promise<string> =>
      (await console.submit('/campaigns/new', { _deed: 'keep', id, name: 'x', trigger: 'traffic', ...fields })).body;
    expect(await told({})).toContain('one step at least');
    expect(await told({ at_1: '80' })).toContain('needs a text');
    expect(await told({ text_en_1: 'x' })).toContain('needs its distance');
    expect(await told({ at_1: '101', text_en_1: 'x' })).toContain('at most 100');
    expect(await told({ at_1: '80', text_en_1: 'x', at_2: '80', text_en_2: 'y' })).toContain('stands there twice');
    expect(await told({ at_1: '80', text_en_1: 'Hi {usernam}' })).toContain('did you mean {username}?');
    expect(await told({ at_1: '80', text_en_1: 'x', plans: 'pro' })).toContain('must be ids of plans');
    expect(await told({ at_1: '80', text_en_1: 'x', trigger: 'birthday' })).toContain('aria-invalid');
    expect(await console.context.campaigns.campaigns.find(id)).toBeUndefined();
  });

  test('the command line makes, shows, estimates, starts and ends them', async () => {
    const id = randomUUID();
    const rule = { name: 'By hand', trigger: 'silent', steps: [{ at: 7, texts: { ru: 'Где вы?' } }] };
    const made = await cli('add', '--payload', JSON.stringify({ ...rule, id }));
    expect(made.out).toContain('paused until you start it');
    expect((await cli('list')).out).toMatch(new RegExp(`${id} +paused +silent +7 +By hand`));
    expect((await cli('start', id)).out).toContain('By hand is running');
    expect((await cli('estimate', id)).out).toContain('It would write to 0 now');
    const changed = { ...rule, name: 'By hand 2' };
    expect((await cli('change', id, '--payload', JSON.stringify(changed))).out).toContain('By hand 2 is changed');
    expect((await cli('show', id)).out).toContain('It has written to nobody yet');
    expect(JSON.parse((await cli('show', id, '--json')).out)).toMatchObject({ id, sent: [], income: { earned: null } });
    expect((await cli('end', id)).out).toContain('is ended');
    expect((await cli('change', id, '--payload', JSON.stringify(rule))).code).toBe(1);
    expect(await cli('add', '--payload', JSON.stringify({ ...rule, steps: [] }))).toMatchObject({ code: 64 });
    const odd = { ...rule, steps: [{ at: 400, texts: { en: 'x' } }] };
    expect((await cli('add', '--payload', JSON.stringify(odd))).err).toContain('at most 365 days');
    for (const words of [['show', 'x'], ['stop', id], ['show']]) expect((await cli(...words)).code).toBe(64);
  });
});
