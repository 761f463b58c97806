import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installOwnSchema } from '../../../repositories/history/own-schema.ts';
import { type ConsoleWorld, consoleWorld } from '../../../testing/console-world.ts';
import { loadViews } from './load-views.ts';

const views = await loadViews();
const ru = { headers: { 'accept-language': 'ru' } };

/** Three English words in a row are prose. Names, codes and settings are shorter, or no words. */
const PROSE = /\b[A-Za-z]['A-Za-z]*[a-z](?: [a-z']{2,}){2,}/g;
/** Texts that people type or follow as they stand. */
const NAMES = [
  // Commands and links of the help, which people type and follow in English.
  /task-worker [a-z -]+/g,
];

/** The text of a page without what is no prose: code, values of fields, other programs' names. */
function prose(body: string): string[] {
  const text = body
    .replaceAll(/<(script|style|code|textarea)\b[\s\S]*?<\/\1>/g, ' ')
    .replaceAll(/<option\b[^>]*>[^<]*/g, ' ')
    .replaceAll(/<a [^>]*lang="en"[^>]*>[^<]*/g, ' ')
    .replaceAll(/ (?:aria-label|title|placeholder)="([^"]*)"/g, '> $1 <')
    .replaceAll(/<[^>]*>/g, ' | ')
    .replaceAll('&#39;', "'");
  const plain = NAMES.reduce((rest, name) => rest.replaceAll(name, ' | '), text);
  return [...new Set(plain.match(PROSE) ?? [])];
}

describe('a console in Russian', () => {
  let http: ConsoleWorld;
  const samples = new Map<string, string>();
  beforeAll(async () => {
    http = await consoleWorld({ env: { APPROVAL_ABOVE: '1', DEFAULT_LOCALE: 'ru' } });
    await installOwnSchema(http.world.app.database);
    const broadcast = randomUUID();
    const post = (path: string, payload: object) =>
      http.server.inject({
        method: 'POST',
        url: `/api/v1${path}`,
        payload,
        headers: { authorization: `Bearer ${http.tokens.olga}` },
      });
    await post('/broadcasts', { id: broadcast, name: 'Весна', segment: {}, texts: { ru: 'Привет' } });
    await post('/tasks/execute_bulk_user_operation', { operation: 'delete', user_uuids: [randomUUID(), randomUUID()] });
    samples.set('/tasks/:name', '/tasks/send_notification');
    samples.set('/broadcasts/:id', `/broadcasts/${broadcast}`);
  });
  afterAll(() => http[Symbol.asyncDispose]());

  const addresses = (): string[] =>
    views.map(({ path }) => samples.get(path) ?? path.replaceAll(/:\w+/g, 'nothing-like-it'));

  test('has no English prose on any view, on that of any task, nor where there is nothing', async () => {
    const tasks = http.world.app.registry.tasks.map(({ name }) => `/tasks/${name}`);
    const found: string[] = [];
    for (const address of [...addresses(), ...tasks, '/no/such/place']) {
      const { body } = await http.open(address, { ...ru, mayFail: true });
      for (const text of prose(body)) found.push(`${address}: ${text}`);
    }
    expect(found).toEqual([]);
  });

  test('nor in what it answers to wrong addresses and to people without the role', async () => {
    const found: string[] = [];
    const queries = ['?since=eon&state=bad&cursor=x&kind=x&status=x&from=x', `?cursor=!&reason=${'x'.repeat(300)}`];
    for (const address of addresses())
      for (const query of queries) {
        const { body } = await http.open(address + query, { ...ru, mayFail: true });
        for (const text of prose(body)) found.push(`${address}${query.slice(0, 20)}: ${text}`);
        const refused = await http.open(address, { ...ru, role: 'view', mayFail: true });
        for (const text of prose(refused.body)) found.push(`${address} as view: ${text}`);
      }
    expect(found).toEqual([]);
  });

  test('nor in what its forms answer, whatever was typed', async () => {
    const found: string[] = [];
    const typed = [
      {},
      { id: 'x', name: 'y'.repeat(300), text: '<b>', user: '?', days: '-1', reason: ' ', from: 'x', to: 'y' },
    ];
    for (const view of views) {
      const address = samples.get(view.path) ?? view.path.replaceAll(/:\w+/g, 'nothing-like-it');
      for (const _deed of ['no_such_act', ...Object.keys(view.deeds)])
        for (const fields of typed)
          for (const _sure of ['', 'yes']) {
            const { body } = await http.submit(address, { _deed, _sure, ...fields } as never, ru);
            for (const text of prose(body)) found.push(`${address} ${_deed}: ${text}`);
          }
    }
    expect([...new Set(found)]).toEqual([]);
  });
});
