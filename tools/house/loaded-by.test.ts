import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { sources } from './sources.ts';

const run = promisify(execFile);

/** Parts that most processes never need. Each is loaded when it is first needed, so no process holds it because of its role. */
const RARE: Readonly<Record<string, RegExp>> = {
  'the client of Telegram': /^node_modules\/grammy\//,
  'the client of S3': /^node_modules\/@(aws-sdk|smithy)\//,
  'what draws charts': /^node_modules\/@resvg\//,
  mail: /^node_modules\/nodemailer\//,
  'what sends traces': /^node_modules\/@opentelemetry\/(?!api\/)/,
  'what reports errors': /^node_modules\/@sentry\//,
  'the board of queues': /^node_modules\/(@bull-board|ejs|@fastify\/(static|view))\//,
  'schedules in words': /^node_modules\/cronstrue\//,
  'the console': /^src\/triggers\/http\/console\/(?!wants-page)/,
  'the API': /^src\/triggers\/http\/(api\/|auth\/(?!secrets))/,
  "the staff's bot": /^src\/triggers\/telegram-bot\//,
  'the doctor': /^src\/app\/doctor\//,
  'commands of the command line': /^src\/triggers\/cli\/(?!command|terminal|health)/,
};

/** The build of the bundle writes down what is known of tasks without their code; `test/bundle.test.ts` looks at processes of the bundle. */
const TASKS = { 'the code of a task': /^src\/tasks\// };
const ENGINE = { 'what runs jobs': /^src\/runtime\/runner\.ts$/ };
const DOORS = { 'the HTTP server': /^node_modules\/fastify\//, 'the supervisor': /^src\/runtime\/supervisor\.ts$/ };

/** The modules that each kind of process begins with, and what must not come with them. */
const PROCESSES = {
  'a scheduler, and a supervisor of worker processes': {
    modules: ['app/role-command.ts', 'app/roles.ts'],
    without: { ...RARE, ...ENGINE, ...TASKS },
  },
  'a worker process': { modules: ['app/role-command.ts', 'app/run-jobs.ts', 'tasks'], without: { ...RARE, ...DOORS } },
  'a health check': { modules: ['app/health-command.ts'], without: { ...RARE, ...ENGINE, ...DOORS, ...TASKS } },
};

describe.each(Object.entries(PROCESSES))('%s', (_, { modules, without }) => {
  test('begins without the parts that are rarely needed', async () => {
    const program = join(import.meta.dirname, 'loaded-by.ts');
    const { stdout } = await run(process.execPath, [program, ...modules], { maxBuffer: 16 * 1024 ** 2 });
    const loaded = JSON.parse(stdout) as string[];
    expect(loaded).toContain('src/config.ts');
    for (const [part, pattern] of Object.entries(without))
      expect(
        loaded.filter((path) => pattern.test(path)),
        part,
      ).toEqual([]);
  });
});

test('nothing imports node:http, which loads the client behind fetch with it: lib/node-http.ts has it', async () => {
  const importing = [...(await sources())].filter(([, text]) =>
    text.split('\n').some((line) => line.endsWith(" from 'node:http';") && !line.startsWith('import type ')),
  );
  expect(importing.map(([path]) => path)).toEqual([]);
});
