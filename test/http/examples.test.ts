import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { World } from '../../src/testing/world/world.ts';

const run = promisify(execFile);
const token = randomBytes(16).toString('hex');
const example = (path: string): string => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
const hasPython = await run('python3', ['--version']).then(
  () => true,
  () => false,
);

let world: World;
let url: string;

beforeAll(async () => {
  world = await World.start({ env: { API_TOKENS: `example:${token}`, LOG_LEVEL: 'INFO' } });
  url = (await world.start('all')).httpUrl;
});
afterAll(() => world[Symbol.asyncDispose]());

const PROGRAMS: readonly [language: string, command: string, file: string, isThere: boolean][] = [
  ['TypeScript', process.execPath, 'typescript/dispatch-and-wait.ts', true],
  ['Python', 'python3', 'python/dispatch_and_wait.py', hasPython],
];

describe.each(PROGRAMS)('the example in %s', (language, command, file, isThere) => {
  const start = (chat: string, message: string, withToken = token) =>
    run(command, [example(file), chat, message], {
      env: { PATH: process.env.PATH, WORKER_URL: url, WORKER_TOKEN: withToken, PYTHONDONTWRITEBYTECODE: '1' },
    });

  test.skipIf(!isThere)('sends a message and waits for its delivery', async () => {
    const { stdout } = await start('100001', `Hello from ${language}`);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'completed', result: { message_id: expect.any(Number) } });
    expect(world.telegram.messages().map(({ visible }) => visible)).toContain(`Hello from ${language}`);
  });

  test.skipIf(!isThere)('says what the worker says against it', async () => {
    await expect(start('100001', '')).rejects.toMatchObject({ stderr: expect.stringMatching(/^400: .*message/) });
    await expect(start('100001', 'x', 'not-a-token-of-ours')).rejects.toMatchObject({
      stderr: expect.stringMatching(/^401: /),
    });
  });
});
