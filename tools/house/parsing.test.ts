import { expect, test } from 'vitest';
import { parsersIn } from './parsing.ts';
import { sources } from './sources.ts';

/** Files outside of `repositories/redis` that read JSON, each with whose it is. A text of Redis is read by `json-entries.ts` alone. */
const ALLOWED = [
  'clients/cryptobot/invoice.ts', // Crypto Pay's answers
  'clients/remnawave/errors.ts', // the panel's refusals
  'clients/remnawave/http.ts', // the panel's answers
  'clients/remnawave/webhook.ts', // the panel's webhooks
  'lib/source-places.ts', // maps that the build of the bundle has written
  'lib/version.ts', // package.json
  'repositories/history/runs.ts', // a column that PostgreSQL checks
  'repositories/redis/json-entries.ts', // the one place
  'runtime/dead-jobs.ts', // a job's own record, which BullMQ has read before
  'runtime/registry.ts', // what the build of the bundle has written
  'triggers/cli/command.ts', // what an operator types
  'triggers/http/api/components.ts', // what was written here
  'triggers/http/api/dead-letters.ts', // a producer's message, of which any may be shown
  'triggers/http/console/forms.ts', // what a person types
  'triggers/taskiq-stream/message.ts', // a producer's message, whose every digit counts
];

const filesOf = (found: readonly string[]): string[] => [...new Set(found.map((place) => place.replace(/:\d+$/, '')))];

test('JSON from Redis is read in one place, so that one odd entry fails no other', async () => {
  expect(filesOf(parsersIn(await sources()))).toEqual(ALLOWED);
});

test('a reader that is planted is found, called or handed on', () => {
  const planted = new Map([
    ['repositories/redis/a.ts', 'const read = (text: string) => JSON.parse(text) as { at: string };'],
    ['repositories/redis/b.ts', '\nconst all = texts.map(JSON.parse);'],
    ['repositories/redis/c.ts', "// JSON.parse fails here\nconst text = 'JSON.parse';\nJSON.stringify({});"],
  ]);
  expect(parsersIn(planted)).toEqual(['repositories/redis/a.ts:1', 'repositories/redis/b.ts:2']);
});

/** A schema that is built where it is used. */
const BUILT_IN_PLACE = /\bz\.\w+\([^;\n]*\)\.(?:safeParse|parse)\(|\b(?:schema|result): z\.(?!unknown)[a-z]\w*\(/;

test('a schema of an answer is built once: Zod compiles a new one at its first use, which takes longer than the rest of a call', async () => {
  const clients = [...(await sources())].filter(([path]) => path.startsWith('clients/'));
  const found = clients.filter(([, text]) => BUILT_IN_PLACE.test(text)).map(([path]) => path);
  expect(found).toEqual([]);
  expect('z.object({ ok: z.boolean() }).safeParse(body)').toMatch(BUILT_IN_PLACE);
  expect('const call = { endpoint, schema: z.array(z.string()) };').toMatch(BUILT_IN_PLACE);
});
