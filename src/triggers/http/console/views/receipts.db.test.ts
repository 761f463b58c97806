import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPanelSandbox } from '../../../../../sandbox/panel/server.ts';
import { days } from '../../../../lib/duration.ts';
import { installOwnSchema } from '../../../../repositories/history/own-schema.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';
import { parseCsv } from '../../../../testing/rfc4180.ts';
import { commandHere } from '../../../../testing/world/command-here.ts';

describe('receipts', () => {
  let console: ConsoleWorld;
  let uuids: string[];
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    const panel = await startPanelSandbox({ generation: 2 });
    stack.defer(() => panel.stop());
    const expireAt = panel.now().getTime() + days(9);
    uuids = ['anna', '=boris'].map((username) => panel.addUser({ username, expireAt }).uuid);
    console = stack.use(await consoleWorld({ env: { REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token } }));
  });
  afterAll(() => stack.disposeAsync());

  const api = (method: 'GET' | 'POST', path: string, payload?: object) =>
    console.call(method, `/api/v1/${path}`, payload ? { payload } : {});

  test('without our own schema each door says what to run', async () => {
    for (const url of ['/receipts', `/receipts/${randomUUID()}`])
      expect((await console.open(url, { mayFail: true })).body).toContain('task-worker schema install');
    expect((await api('GET', 'receipts')).json().detail).toContain('schema install');
    await installOwnSchema(console.world.app.parts.foundation.database);
    expect((await console.open('/receipts')).body).toContain('No mass act is on record');
  });

  test('a receipt is listed, shown, downloaded and undone after a question; the API and the terminal have the same', async () => {
    const payload = { operation: 'disable', user_uuids: uuids };
    await console.world.run('execute_bulk_user_operation', payload, { jobId: 'the-act' });
    expect((await console.open('/receipts')).body).toContain('execute_bulk_user_operation');
    const { receipts } = (await api('GET', 'receipts?job_id=the-act')).json();
    expect(receipts).toMatchObject([{ task: 'execute_bulk_user_operation', lost: 0 }]);
    const { id } = receipts[0];

    const page = (await console.open(`/receipts/${id}`)).body;
    for (const shown of ['anna', '=boris', 'the-act', 'lines.csv']) expect(page).toContain(shown);
    const file = await api('GET', `receipts/${id}/lines.csv`);
    expect(file.headers['content-type']).toBe('text/csv; charset=utf-8');
    const [head, ...rows] = parseCsv(file.body);
    expect(head!.slice(0, 2)).toEqual(['effect', 'subject']);
    expect(rows.map(([, subject]) => subject).toSorted((a, b) => a!.localeCompare(b!))).toEqual(["'=boris", 'anna']);
    expect((await api('GET', `receipts/${id}?limit=1`)).json()).toMatchObject({
      counts: [{ effect: 'disable', acts: 2, unsure: 0, undone: 0, left: 0 }],
      lines: [{ effect: 'disable', is_done: true }],
    });

    const asked = await console.submit(`/receipts/${id}`, { _deed: 'undo' });
    expect(asked.body).toContain('Up to 2 acts are undone');
    const sent = await console.submit(`/receipts/${id}`, { _deed: 'undo', _sure: 'yes' });
    expect(sent.body).toContain('The undo is in its queue');
    // Asked for again while it waits: the same job.
    const again = (await api('POST', `receipts/${id}/undo`, {})).json();
    expect(again).toMatchObject({ already: true });
    const dry = (await api('POST', `receipts/${id}/undo`, { preview: true })).json();
    expect(dry.job_id).not.toBe(again.job_id);
    expect(await console.world.run('undo_mass_effect', { receipt_id: id }, { jobId: again.job_id })).toMatchObject({
      undone: 2,
      left: 0,
    });

    expect((await console.open(`/receipts/${id}`)).body).toContain('undone: 2');
    expect((await api('POST', `receipts/${id}/undo`, {})).json().detail).toContain('all of it is undone');
    expect((await api('POST', `receipts/${randomUUID()}/undo`, {})).statusCode).toBe(404);
    const cli = await commandHere(['receipts', 'show', id], console.world.env);
    expect(cli.stdout).toContain('disable');
    expect(cli.stdout).toContain('undone');
  });
});

test('without our own schema every door of receipts says the same sentence, and mass acts are done as ever', async () => {
  await using panel = await startPanelSandbox({ generation: 2 });
  const env = { REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token };
  await using console = await consoleWorld({ env });
  const clara = panel.addUser({ username: 'clara', expireAt: panel.now().getTime() + days(9) });
  const act = async (operation: 'disable' | 'enable') => {
    const payload = { operation, user_uuids: [clara.uuid] };
    const done = await console.world.run('execute_bulk_user_operation', payload, { jobId: operation });
    expect(done).toMatchObject({ done: 1, failed: 0 });
    return panel.user('clara')!.status;
  };
  expect(await act('disable')).toBe('DISABLED');

  const id = randomUUID();
  const sentence = (await console.context.history.missing())!;
  expect(sentence.en).toContain('task-worker schema install');
  for (const url of ['/receipts', '/receipts?job=disable', `/receipts/${id}`]) {
    for (const locale of ['en', 'ru'] as const) {
      const { body } = await console.open(url, { headers: { 'accept-language': locale } });
      expect(body, url).toContain(sentence[locale]);
    }
  }
  for (const deed of ['undo', 'dryUndo']) {
    const { body } = await console.submit(`/receipts/${id}`, { _deed: deed, _sure: 'yes' });
    expect(body, deed).toContain(sentence.en);
  }
  const asked = [
    ['GET', 'receipts'],
    ['GET', `receipts/${id}`],
    ['GET', `receipts/${id}/lines.csv`],
    ['POST', `receipts/${id}/undo`],
  ] as const;
  for (const [method, path] of asked) {
    const reply = await console.call(method, `/api/v1/${path}`, method === 'POST' ? { payload: {} } : {});
    expect([reply.statusCode, reply.json().detail], path).toEqual([409, sentence.en]);
  }
  for (const words of [[], ['show', id], ['undo', id]]) {
    const ended = await commandHere(['receipts', ...words], console.world.env);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining(sentence.en) });
  }
  const undo = console.world.run('undo_mass_effect', { receipt_id: id }, { jobId: 'nothing' });
  await expect(undo).rejects.toThrow('task-worker schema install');
  expect(await act('enable')).toBe('ACTIVE');
});
