import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPanelSandbox } from '../../../../sandbox/panel/server.ts';
import { days, hours } from '../../../lib/duration.ts';
import { installOwnSchema } from '../../../repositories/history/own-schema.ts';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';

const BUILT_IN = '00000000-0000-8000-8000-000000000001';

describe('campaigns over HTTP', () => {
  let http: HttpWorld;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    const panel = await startPanelSandbox({ generation: 2 });
    stack.defer(() => panel.stop());
    for (const chat of [11, 12, 13])
      panel.addUser({
        username: `user_${chat}`,
        telegramId: chat,
        expireAt: panel.now().getTime() + days(chat - 10) - hours(1),
      });
    http = stack.use(await httpWorld({ env: { REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token } }));
  });
  afterAll(() => stack.disposeAsync());

  const post = (path: string, payload: object = {}) => http.call('POST', `/api/v1${path}`, { payload });
  const get = async (path: string) => (await http.call('GET', `/api/v1${path}`)).json();
  const step = (at: number, en = 'Hi {username}') => ({ at, texts: { en } });
  const draft = { name: 'Ending', trigger: 'before_end', steps: [step(48), step(24, 'Last day')] };

  test('without our own schema the answer says what to run', async () => {
    for (const path of ['/campaigns', '/campaign-estimates']) {
      const { name, ...rule } = draft;
      const refused = await post(path, path === '/campaigns' ? { ...rule, name } : rule);
      expect(refused.statusCode).toBe(409);
      expect(refused.json().detail).toContain('task-worker schema install');
    }
    await installOwnSchema(http.world.app.parts.foundation.database);
  });

  test('the built-in one stands first, is paused and started, and neither changed nor ended', async () => {
    const { campaigns } = await get('/campaigns');
    expect(campaigns).toMatchObject([{ id: BUILT_IN, built_in: true, state: 'running', trigger: 'before_end' }]);
    expect(campaigns[0].steps.map(({ at }: { at: number }) => at)).toEqual([168, 72, 24, 6]);
    for (const [wish, state] of [
      ['pause', 'paused'],
      ['end', 'paused'],
      ['start', 'running'],
      ['start', 'running'],
    ])
      expect((await post(`/campaigns/${BUILT_IN}/${wish}`)).json()).toEqual({ id: BUILT_IN, state });
    const refused = await post(`/campaigns/${BUILT_IN}`, draft);
    expect([refused.statusCode, refused.json().detail]).toEqual([409, expect.stringContaining('built in')]);
  });

  test('estimated, kept, started, changed while it runs, followed and ended', async () => {
    const { name: _, ...rule } = draft;
    const estimate = (await post('/campaign-estimates', rule)).json();
    expect(estimate).toMatchObject({ told: 2, held_out: 0, unreachable: 0, capped: 0 });
    expect(estimate.steps).toEqual([
      { at: 48, told: 1 },
      { at: 24, told: 1 },
    ]);
    expect(estimate.sample).toContainEqual({ telegram_id: 12, username: 'user_12', at: 48, text: 'Hi user_12' });

    const id = randomUUID();
    expect((await post('/campaigns', { ...draft, id })).statusCode).toBe(201);
    expect((await post('/campaigns', { ...draft, id, name: 'Other' })).json()).toMatchObject({ name: 'Ending' });
    expect(await http.world.run('run_campaigns')).toMatchObject({ queued: 0 });
    expect((await post(`/campaigns/${id}/start`)).json()).toEqual({ id, state: 'running' });
    expect(await http.world.run('run_campaigns')).toMatchObject({ queued: 2 });
    const changed = await post(`/campaigns/${id}`, { ...draft, name: 'Ending 2', steps: [step(72)] });
    expect(changed.json()).toMatchObject({ name: 'Ending 2', state: 'running', changed_by: 'token:olga' });
    expect(await http.world.run('run_campaigns')).toMatchObject({ queued: 3 });
    expect(await get(`/campaigns/${id}`)).toMatchObject({
      sent: [
        { at: 72, told: 3, held_out: 0 },
        { at: 48, told: 1, held_out: 0 },
        { at: 24, told: 1, held_out: 0 },
      ],
      income: { days: 7, told: { customers: 0, renewed: 0, income: [] }, earned: null },
    });
    expect((await post(`/campaigns/${id}`, { ...draft, trigger: 'silent' })).statusCode).toBe(409);
    for (const wish of ['pause', 'end', 'end', 'start']) await post(`/campaigns/${id}/${wish}`);
    expect(await get(`/campaigns/${id}`)).toMatchObject({ state: 'ended', ended_at: expect.any(String) });
    expect((await post(`/campaigns/${id}`, draft)).statusCode).toBe(409);
    expect((await http.call('GET', `/api/v1/campaigns/${randomUUID()}`)).statusCode).toBe(404);
  });

  test.each([
    [{ ...draft, steps: [] }, 400, /steps/],
    [{ ...draft, steps: [step(0)] }, 400, /at/],
    [{ ...draft, steps: [{ at: 5, texts: {} }] }, 400, /texts/],
    [{ ...draft, holdout_percent: 91 }, 400, /holdout_percent/],
    [{ ...draft, audience: { status: ['ACTIVE'] } }, 400, /status/],
    [{ ...draft, trigger: 'birthday' }, 400, /trigger/],
    [{ ...draft, steps: [step(5), step(5)] }, 422, /steps.*two steps are at 5 hours/],
    [{ ...draft, trigger: 'traffic', steps: [step(101)] }, 422, /at most 100 percent/],
    [{ ...draft, steps: [step(5, 'Hi {usernam}')] }, 422, /steps\.0\.texts\.en.*did you mean \{username\}/],
  ])('%j is refused', async (body, status, why) => {
    const refused = await post('/campaigns', body);
    expect([refused.statusCode, refused.json().detail]).toEqual([status, expect.stringMatching(why)]);
  });
});
