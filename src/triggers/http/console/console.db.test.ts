import { brotliDecompressSync } from 'node:zlib';
import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError, TransientError } from '../../../lib/errors.ts';
import { html } from '../../../lib/html.ts';
import { type ConsoleWorld, consoleWorld } from '../../../testing/console-world.ts';
import { Guard } from '../auth/guard.ts';
import type { AuditedAct } from '../context.ts';
import { Problem } from '../problem.ts';
import { timeAgo } from './components/times.ts';
import { defineView } from './define-view.ts';
import { safeTarget } from './login.ts';
import { registerConsole } from './register-console.ts';
import { serveAssets } from './serve-assets.ts';

const NOW = new Date('2026-03-01T21:05:00Z');

/** What the view of these tests knows and does. */
const shelf = { books: ['Emma'], deleted: [] as string[], fail: undefined as Error | undefined };

const books = defineView({
  path: '/books/:room',
  needs: 'view',
  nav: { group: 'work' },
  texts: {
    title: { en: 'Books', ru: 'Книги' },
    add: { en: 'Add', ru: 'Добавить' },
    burn: { en: 'Burn', ru: 'Сжечь' },
    sure: { en: 'Burn % books?', ru: 'Сжечь книг: %?' },
    done: { en: '% is there.', ru: 'Есть: %.' },
  },
  params: z.object({ room: z.string().max(10) }),
  query: z.object({ author: z.enum(['austen']).optional() }),
  deeds: ({ deed }) => ({
    add: deed({
      needs: 'support',
      label: 'add',
      form: {
        schema: z.object({ name: z.string().max(5), pages: z.number().int(), on: z.iso.datetime().optional() }),
        fields: {
          name: { kind: 'text', required: true, label: { en: 'Name', ru: 'Имя' } },
          pages: { kind: 'number', required: true, label: { en: 'Pages', ru: 'Страниц' } },
          on: { kind: 'moment', label: { en: 'On', ru: 'Когда' } },
        },
      },
      async run(_, { form, page }) {
        if (form.name === 'none') throw new PermanentError('no_room', 'There is no room for it.');
        shelf.books.push(`${form.name} ${form.pages} ${form.on ?? ''}`.trim());
        return {
          receipt: page.say('done', form.name),
          act: { action: 'book.added', entityType: 'job', entityId: form.name },
          ...(form.name === 'far' && { goTo: '/books/far' }),
        };
      },
    }),
    burn: deed({
      needs: 'admin',
      label: 'burn',
      tone: 'bad',
      ask: (_, { page }) => page.say('sure', shelf.books.length),
      async run(_, { page, params }) {
        shelf.deleted.push(...shelf.books.splice(0));
        return {
          receipt: page.say('done', params.room),
          act: { action: 'books.burnt', entityType: 'job', entityId: '1' },
        };
      },
    }),
  }),
  parts: ({ part }) => [
    part({
      name: 'list',
      heading: 'title',
      everyMs: 3_000,
      load(_, { params }) {
        if (params.room === 'gone') throw new Problem('not-found', 'There is no such room.');
        if (shelf.fail) throw shelf.fail;
        return shelf.books;
      },
      draw: (list, page) => html`${list.join(', ')} ${timeAgo(NOW, page)}`,
    }),
    part({
      name: 'forms',
      load: () => undefined,
      draw: (_, { form }) => html`${form('add')}${form('burn', { about: 'all' })}`,
    }),
    part({ name: 'secret', needs: 'admin', load: () => 'for admins', draw: (text) => html`${text}` }),
  ],
});

let http: ConsoleWorld;
let server: FastifyInstance;
let now = NOW;
const acts: AuditedAct[] = [];
beforeAll(async () => {
  http = await consoleWorld({ env: { TIME_ZONE: 'Europe/Moscow' } });
  const context = {
    ...http.context,
    clock: () => now,
    audit: async (act: AuditedAct) => {
      acts.push(act);
      return true;
    },
  };
  server = fastify();
  const shell = { views: [books], assets: serveAssets(server), version: 'test', timeZone: context.timeZone };
  registerConsole(server, context, new Guard(context), shell);
  await server.ready();
});
afterAll(async () => {
  await server.close();
  await http[Symbol.asyncDispose]();
});
beforeEach(() => {
  Object.assign(shelf, { books: ['Emma'], deleted: [], fail: undefined });
  acts.length = 0;
  now = NOW;
});

const headersOf = (role: 'olga' | 'view' | 'support' | 'admin'): Record<string, string> => ({
  authorization: `Bearer ${http.tokens[role]}`,
  accept: 'text/html',
  'accept-language': 'en',
});
const open = (
  url: string,
  headers: Record<string, string> = {},
  role: 'olga' | 'view' | 'support' | 'admin' = 'olga',
) => server.inject({ url, headers: { ...headersOf(role), ...headers } });
const submit = (
  fields: Record<string, string>,
  headers: Record<string, string> = {},
  role: 'olga' | 'view' | 'support' | 'admin' = 'olga',
) =>
  server.inject({
    method: 'POST',
    url: '/books/a?author=austen',
    headers: { ...headersOf(role), 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(fields).toString(),
  });
const SCRIPT = { 'hx-request': 'true' };
const hashIn = (body: string, part: string): string =>
  new RegExp(`id="${part}" data-part data-hash="([^"]+)"`).exec(body)![1]!;

describe('a view', () => {
  test('is a page with its menu, its heading and its parts, as small as the browser takes it', async () => {
    const { body, headers } = await open('/books/a');
    expect(body).toContain('<h1>Books</h1>');
    expect(body).toContain('aria-current="page"');
    expect(body.match(/<section/g)).toHaveLength(3);
    expect(headers['content-encoding']).toBeUndefined();
    const small = await open('/books/a', { 'accept-encoding': 'gzip, br' });
    expect(small.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(small.rawPayload).toString()).toBe(body);
    expect((await open('/books/a', { 'accept-encoding': 'br;q=0' })).headers['content-encoding']).toBeUndefined();
  });

  test('sends a part again only where it looks different; that time went by is no difference', async () => {
    const hash = hashIn((await open('/books/a')).body, 'list');
    now = new Date(NOW.getTime() + 600_000);
    expect((await open('/books/a', { 'x-parts': `list=${hash}` })).statusCode).toBe(204);
    shelf.books.push('Sula');
    const { body } = await open('/books/a', { 'x-parts': `list=${hash},nobody=1` });
    expect(body).toMatch(/^<hx-partial hx-target="#list" hx-swap="outerMorph">/);
    expect(body).toContain('Emma, Sula');
    expect(body).not.toContain('id="forms"');
  });

  test('draws what cannot be read as unknown, with a reason that is meant for people, and the rest as ever', async () => {
    shelf.fail = new TransientError('panel_away', 'The panel does not answer.');
    const { body, statusCode } = await open('/books/a');
    expect(statusCode).toBe(200);
    expect(body).toMatch(/id="list"[\s\S]*Not known at the moment[\s\S]*The panel does not answer\./);
    expect(body).toContain('id="deed-add"');
    shelf.fail = new Error('password authentication failed for user "worker"');
    expect((await open('/books/a')).body).not.toContain('password authentication');
  });

  test('says in a page what is not there, not allowed, or not a filter', async () => {
    const gone = await open('/books/gone');
    expect(gone.statusCode).toBe(404);
    expect(gone.body).toContain('There is no such room.');
    expect((await open('/books/a-very-long-room')).statusCode).toBe(404);
    expect((await open('/books/a?author=nobody')).statusCode).toBe(400);
    expect((await open('/books/a?author=')).statusCode).toBe(200);
    expect(
      (
        await server.inject({ url: '/books/gone', headers: { authorization: headersOf('olga').authorization! } })
      ).json(),
    ).toMatchObject({ status: 404 });
  });

  test('shows nobody a part or a button that is not for them', async () => {
    const [view, support, admin] = await Promise.all(
      (['view', 'support', 'admin'] as const).map((role) => open('/books/a', {}, role)),
    );
    expect(view!.body).not.toMatch(/for admins|deed-add|deed-burn/);
    expect(support!.body).toMatch(/deed-add/);
    expect(support!.body).not.toMatch(/for admins|deed-burn/);
    expect(admin!.body).toMatch(/for admins/);
  });

  test('tells times at the clock of the reader, who chooses it by an address', async () => {
    expect((await open('/books/a')).body).toContain('title="2026-03-02 00:05:00 GMT+3"');
    expect((await open('/books/a', { cookie: 'worker_clock=utc' })).body).toContain('title="2026-03-01 21:05:00 UTC"');
    const chosen = await open('/books/a?author=austen&lang=ru&clock=utc');
    expect(chosen.headers.location).toBe('/books/a?author=austen');
    expect(String(chosen.headers['set-cookie'])).toMatch(/worker_locale=ru.*worker_clock=utc/);
  });
});

describe('a deed', () => {
  test('is done, recorded with who did it, and told; the script gets what changed and an empty form', async () => {
    const { body, statusCode } = await submit(
      { _deed: 'add', name: 'Sula', pages: '7' },
      { ...SCRIPT, 'x-parts': 'list=old' },
      'support',
    );
    expect(statusCode).toBe(200);
    expect(shelf.books).toEqual(['Emma', 'Sula 7']);
    expect(body).toContain('<p class="receipt good">Sula is there.</p>');
    expect(body).toMatch(/hx-target="#list"/);
    expect(body).toMatch(/hx-target="#deed-add" hx-swap="outerHTML"[\s\S]*name="name" required value=""/);
    expect(acts).toMatchObject([{ action: 'book.added', by: 'token:support', role: 'support', entityId: 'Sula' }]);
    expect(acts[0]!.payloadDigest).toMatch(/^[0-9a-f]{64}$/);
  });

  test('without the script leads to a page that shows the receipt once', async () => {
    const done = await submit({ _deed: 'add', name: 'Sula', pages: '7' });
    expect(done.statusCode).toBe(303);
    expect(done.headers.location).toBe('/books/a?author=austen');
    const cookie = String(done.headers['set-cookie']).split(';')[0]!;
    const shown = await open('/books/a', { cookie });
    expect(shown.body).toContain('Sula is there.');
    expect(String(shown.headers['set-cookie'])).toContain('worker_receipt=; Path=/; Max-Age=0');
    const far = await submit({ _deed: 'add', name: 'far', pages: '1' }, SCRIPT);
    expect(far.headers['hx-redirect']).toBe('/books/far');
  });

  test.each([
    [{ name: 'much too long', pages: '7' }, { name: 'characters' }],
    [
      { name: '', pages: 'seven' },
      { name: 'is needed', pages: 'must be a number' },
    ],
    [{ name: 'Sula', pages: '7', on: 'soon' }, { on: 'must be a date and a time' }],
    [{ name: 'none', pages: '7' }, { '': 'There is no room for it.' }],
  ])('with %j does nothing, says why beside the field, and keeps what was typed', async (fields, why) => {
    const answer = await submit({ _deed: 'add', ...fields }, SCRIPT);
    expect(answer.statusCode).toBe(422);
    for (const [field, text] of Object.entries(why))
      expect(answer.body).toMatch(
        field ? new RegExp(`id="deed-add-${field}-error"[^>]*>[^<]*${text}`) : new RegExp(`role="alert">${text}`),
      );
    for (const value of Object.values(fields)) expect(answer.body).toContain(`value="${value}"`);
    const page = await submit({ _deed: 'add', ...fields });
    expect(page.statusCode).toBe(422);
    expect(page.body).toContain('<h1>Books</h1>');
    expect([shelf.books, acts]).toEqual([['Emma'], []]);
  });

  test('tells in Russian what does not fit', async () => {
    const { body } = await submit(
      { _deed: 'add', name: 'much too long', pages: '' },
      { ...SCRIPT, 'accept-language': 'ru' },
    );
    expect(body).toMatch(/name-error"[^>]*>[^<]*[а-я]{4}/);
    expect(body).toContain('нужно заполнить');
  });

  test('takes a moment at the clock of the reader', async () => {
    await submit({ _deed: 'add', name: 'Sula', pages: '1', on: '2026-03-02T00:05' }, SCRIPT);
    expect(shelf.books[1]).toBe('Sula 1 2026-03-01T21:05:00.000Z');
  });

  test('that destroys says first how many it touches, and does nothing until somebody says yes', async () => {
    const asked = await submit({ _deed: 'burn', _about: 'all' }, SCRIPT);
    expect(asked.body).toContain('Burn 1 books?');
    expect(asked.body).toContain('name="_sure" value="yes"');
    const page = await submit({ _deed: 'burn' });
    expect(page.body).toMatch(/<h1>Books<\/h1>[\s\S]*Burn 1 books\?/);
    expect(shelf.deleted).toEqual([]);
    await submit({ _deed: 'burn', _sure: 'yes' }, SCRIPT);
    expect(shelf.deleted).toEqual(['Emma']);
  });

  test('is refused for a smaller role, another site, a stranger and an unknown name', async () => {
    expect((await submit({ _deed: 'burn', _sure: 'yes' }, {}, 'support')).statusCode).toBe(403);
    expect((await submit({ _deed: 'constructor' })).statusCode).toBe(400);
    const session = new Guard({ ...http.context, clock: () => now }).sessions.issue('olga');
    const cookie = {
      cookie: `worker_session=${session}`,
      authorization: '',
      host: 'console',
      origin: 'https://other.test',
    };
    const { authorization: _, ...withoutToken } = cookie;
    const forged = await server.inject({
      method: 'POST',
      url: '/books/a',
      headers: { ...withoutToken, 'content-type': 'application/x-www-form-urlencoded' },
      payload: '_deed=burn&_sure=yes',
    });
    expect(forged.statusCode).toBe(403);
    const stranger = await server.inject({ url: '/books/a?author=austen', headers: { accept: 'text/html' } });
    expect(stranger.headers.location).toBe('/login?to=%2Fbooks%2Fa%3Fauthor%3Dausten');
    const poll = await server.inject({ url: '/books/a', headers: SCRIPT });
    expect([poll.statusCode, poll.headers['hx-redirect']]).toEqual([401, '/login?to=%2Fbooks%2Fa']);
    expect(shelf.deleted).toEqual([]);
  });
});

test('a login leads to an address of this console only', () => {
  const targets = [
    '/tasks?q=a',
    '/',
    '',
    '//evil.test',
    '/\\evil.test',
    'https://evil.test/',
    '/login',
    'javascript:alert(1)',
  ];
  expect(targets.map(safeTarget)).toEqual(['/tasks?q=a', '/', '/', '/', '/', '/', '/', '/']);
});

test('files have a digest in their names, are kept for a year, and are small', async () => {
  const page = (await open('/books/a')).body;
  const files = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]!);
  expect(files).toHaveLength(4);
  let bytes = (await open('/books/a', { 'accept-encoding': 'br' })).rawPayload.length;
  for (const file of files) {
    const { headers, rawPayload } = await server.inject({ url: file, headers: { 'accept-encoding': 'br' } });
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    bytes += rawPayload.length;
  }
  // The budget of a first view, with everything that a browser without a cache loads.
  expect(bytes).toBeLessThan(30_000);
});
