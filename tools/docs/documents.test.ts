import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { everyCommand, ROLES } from '../../src/app/command-line.ts';
import { describeConfig } from '../../src/config.ts';
import { loadTasks, type TaskRegistry } from '../../src/runtime/registry.ts';
import { codeOf, type Document, type Found, readDocument } from './markdown.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Variables that are not the service's own: those of Node, of the panel, and of a shell that calls the API. */
const OUTSIDE = [
  'APP_SECRET',
  // Of the tests: docs/testing.md.
  'MODEL_RUNS',
  'SCHEMATHESIS_SECONDS',
  'TELLING_ROUNDS',
  'JWT_AUTH_SECRET',
  'WEBHOOK_ENABLED',
  'WEBHOOK_SECRET_HEADER',
  'WEBHOOK_URL',
  'NODE_COMPILE_CACHE',
  'NODE_DISABLE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'WORKER_TOKEN',
  'WORKER_URL',
];
/** Variables of the Python worker and of the platform, which docs/migration.md translates. */
const OF_PYTHON = [
  'BACKEND_INTERNAL_SECRET',
  'CRYPTOBOT_NETWORK',
  'EMAIL_DEV_MODE',
  'METRICS_PROTECT',
  'PROMETHEUS_MULTIPROC_DIR',
  'SMTP_SERVERS',
];
/** Written like variables, but something else: values of the panel, words of Redis, PostgreSQL and Telegram. */
const NO_VARIABLES = [
  ...['NO_RESET', 'CLUSTER_SLOTS', 'SKIP_LOCKED'],
  ...['PEER_ID_INVALID', 'TOPIC_CLOSED', 'CHAT_WRITE_FORBIDDEN', 'FLOODSKIP_NOT_ALLOWED'],
];

const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter(Boolean)
  .map((path) => readDocument(path, read(path)));

/** Every problem that `wrong` finds in the documents, as `docs/x.md:12: what`. */
function problems(
  places: (document: Document) => readonly Found[],
  wrong: (text: string, document: Document) => string | undefined,
): string[] {
  return documents.flatMap((document) =>
    places(document).flatMap(({ line, text }) => {
      const what = wrong(text, document);
      return what === undefined ? [] : [`${document.path}:${line}: ${what}`];
    }),
  );
}

describe('documents', () => {
  let registry: TaskRegistry;
  beforeAll(async () => {
    registry = await loadTasks();
  });

  test('every relative link, anchor and picture leads somewhere', () => {
    const anchors = new Map(documents.map((document) => [document.path, document.anchors]));
    const wrong = (target: string, { path }: Document): string | undefined => {
      if (/^[a-z]+:/.test(target)) return undefined;
      const [file = '', anchor] = target.split('#');
      const found = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(ROOT, found))) return `${target} does not exist`;
      return anchor === undefined || !anchors.has(found) || anchors.get(found)!.has(anchor)
        ? undefined
        : `${found} has no heading #${anchor}`;
    };
    expect(problems(({ links }) => links, wrong)).toEqual([]);
  });

  test('every file that is named is there', () => {
    const wrong = (text: string): string | undefined =>
      /^(\.?\/)?(src|test|tools|deploy|docs|sandbox|bench|examples)\/[\w./-]+$/.test(text) &&
      !existsSync(join(ROOT, text))
        ? `${text} does not exist`
        : undefined;
    expect(problems(({ inlineCode }) => inlineCode, wrong)).toEqual([]);
  });

  test('every command of task-worker has the words and options that it is shown with', () => {
    const roles = Object.keys(ROLES);
    const wrong = (text: string): string | undefined => {
      for (const [, line = ''] of text.matchAll(/(?:^|[\s(])(?:task-worker|src\/main\.ts) ([a-z][^|&;#]*)/g)) {
        const words = line.trim().split(/\s+/);
        const [name = '', ...rest] = words;
        if (roles.includes(name) || name === 'help') continue;
        const command = everyCommand.find((known) => known.name === name);
        if (!command) return `there is no command '${name}'`;
        const options = new Set(['json', ...Object.keys(command.options ?? {})]);
        const option = rest.find((word) => word.startsWith('--') && !options.has(word.slice(2).replace(/=.*$/, '')));
        if (option) return `${name} has no option ${option}`;
        const [first = ''] = rest;
        if (
          /^[a-z][a-z-]*$/.test(first) &&
          !['run', 'dispatch', 'explain'].includes(name) &&
          !command.usage.includes(first)
        )
          return `${name} does not take '${first}'`;
        if (['run', 'dispatch'].includes(name) && /^[a-z_]+$/.test(first) && !registry.find(first))
          return `there is no task '${first}'`;
      }
      return undefined;
    };
    expect(problems(codeOf, wrong)).toEqual([]);
  });

  test('the README names every command', () => {
    const named = read('README.md');
    expect(
      everyCommand
        .map(({ name }) => name)
        .filter((name) => !new RegExp(`^\\|.*\`(?:task-worker )?${name}\\b`, 'm').test(named)),
    ).toEqual([]);
  });

  test('every variable that is named exists', () => {
    const compose = ['deploy/compose.yml', 'deploy/compose.worker.yml', 'deploy/stack.env.example']
      .map(read)
      .join('\n');
    const known = new Set([...describeConfig().map(({ name }) => name), ...OUTSIDE, ...OF_PYTHON, ...NO_VARIABLES]);
    const wrong = (text: string): string | undefined => {
      for (const [name] of text.matchAll(/(?<![\w.<-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w<(*-])/g)) {
        const task = /^SCHEDULE_(.+)$/.exec(name)?.[1]?.toLowerCase();
        if (task === undefined ? !known.has(name) && !new RegExp(`\\b${name}\\b`).test(compose) : !registry.find(task))
          return `there is no variable ${name}`;
      }
      return undefined;
    };
    expect(problems(codeOf, wrong)).toEqual([]);
  });

  test('every `npm run` and `make` has its script or target, and every vitest project exists', () => {
    const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
    const targets = [...read('Makefile').matchAll(/^((?:[a-z ]|\\:)+):/gm)].flatMap(([, names]) =>
      names!.replaceAll('\\:', ':').split(' '),
    );
    const projects = [...read('vitest.config.ts').matchAll(/name: '(\w+)'/g)].map(([, name]) => name);
    const wrong = (text: string): string | undefined => {
      for (const [, script] of text.matchAll(/\bnpm run (?:--silent )?([\w:]+)/g))
        if (!scripts.includes(script!)) return `there is no script ${script}`;
      for (const [, target] of text.matchAll(/(?:^|\s)make ([a-z]+(?::[a-z]+)?)/g))
        if (!targets.includes(target!)) return `there is no target ${target}`;
      for (const [, project] of text.matchAll(/--project[ =](\w+)/g))
        if (!projects.includes(project!)) return `there is no project ${project}`;
      return undefined;
    };
    expect(problems(codeOf, wrong)).toEqual([]);
  });

  test('every document is led to from the README or from a document that is', () => {
    const linked = new Set(['README.md']);
    for (const path of linked) {
      const document = documents.find((one) => one.path === path);
      for (const { text } of document?.links ?? []) {
        const target = join(dirname(path), text.split('#')[0]!);
        if (target.endsWith('.md')) linked.add(target);
      }
    }
    expect(documents.map(({ path }) => path).filter((path) => !linked.has(path))).toEqual([]);
  });
});

describe('the check of documents', () => {
  test('finds links, anchors, code and marks', () => {
    const text = [
      '# One `two`: three',
      '# One two three',
      'See [it](a.md#b "title") and `code [no](link)`.',
      '<!-- run -->',
      '```sh',
      'task-worker tasks # all of them',
      '```',
    ];
    const document = readDocument('x.md', text.join('\n'));
    expect([...document.anchors]).toEqual(['one-two-three', 'one-two-three-1']);
    expect(document.links).toEqual([{ text: 'a.md#b', line: 3 }]);
    expect(document.blocks).toMatchObject([{ language: 'sh', mark: 'run', section: 'One two three', line: 5 }]);
    expect(codeOf(document).map(({ text: code }) => code)).toEqual(['two', 'code [no](link)', 'task-worker tasks']);
  });
});
