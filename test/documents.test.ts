import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../src/testing/servers/free-port.ts';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';
import { type CodeBlock, readDocument } from '../tools/docs/markdown.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');
const TOKEN = 'a-token-of-the-documents';

const blocksOf = async (path: string): Promise<readonly CodeBlock[]> =>
  readDocument(path, await readFile(join(ROOT, path), 'utf8')).blocks;

const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);
/** Blocks under `<!-- run -->`, each line of which must succeed. */
const blocks = (await blocksOf('docs/operations.md')).filter(({ mark }) => mark?.startsWith('run'));
const lines = blocks.flatMap(({ mark, text }) =>
  text.split('\n').map((line) => ({ line, needsCurl: mark === 'run with curl' })),
);

/** A platform with customers and a panel, worker and scheduler in one process, and `task-worker` on the PATH. */
describe('commands that are marked in docs/operations.md', () => {
  let world: World;
  let bin: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    const port = String(await freePort());
    world = await World.start({ seed: true, panel: { users: 20, nodes: 2 } });
    bin = await mkdtemp(join(tmpdir(), 'task-worker-bin-'));
    await symlink(join(ROOT, 'src/main.ts'), join(bin, 'task-worker'));
    env = {
      ...world.env,
      METRICS_PORT: port,
      API_TOKENS: `documents:${TOKEN}`,
      WORKER_URL: `http://127.0.0.1:${port}`,
      WORKER_TOKEN: TOKEN,
      PATH: [bin, dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
    };
    const { httpUrl } = await world.start('all', env);
    await until('it is ready', async () => (await fetch(`${httpUrl}/health/ready`)).ok);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await rm(bin, { recursive: true });
  });

  test('there are some', () => {
    expect(lines.length).toBeGreaterThan(8);
  });

  for (const { line, needsCurl } of lines) {
    const isSkipped = needsCurl && !hasCurl;
    test.skipIf(isSkipped)(isSkipped ? `${line} (SKIPPED: no curl on this machine)` : line, async () => {
      const { stdout } = await run('sh', ['-c', line], { env });
      expect(stdout).not.toBe('');
    });
  }
});

test('the task in docs/adding-a-task.md is one that compiles, in the place that the document names', async () => {
  const [example] = (await blocksOf('docs/adding-a-task.md')).filter(({ language }) => language === 'ts');
  const name = /name: '(\w+)'/.exec(example!.text)![1]!;
  const path = join(ROOT, 'src/tasks/sync', `${name.replaceAll('_', '-')}.ts`);
  const { options } = ts.getParsedCommandLineOfConfigFile(join(ROOT, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(String(messageText));
    },
  })!;
  const host = ts.createCompilerHost(options);
  const isExample = (file: string): boolean => file === path;
  const program = ts.createProgram({
    rootNames: [path],
    options: { ...options, incremental: false },
    host: {
      ...host,
      fileExists: (file) => isExample(file) || host.fileExists(file),
      readFile: (file) => (isExample(file) ? example!.text : host.readFile(file)),
      getSourceFile: (file, version) =>
        isExample(file) ? ts.createSourceFile(file, example!.text, version) : host.getSourceFile(file, version),
    },
  });
  const problems = ts.getPreEmitDiagnostics(program, program.getSourceFile(path));
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});
