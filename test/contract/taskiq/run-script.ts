import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { json, text } from 'node:stream/consumers';

/** One call of a task by name, as `produce.py` takes it. */
export type Call = {
  task_name: string;
  args?: readonly unknown[];
  kwargs?: Readonly<Record<string, unknown>>;
  labels?: Readonly<Record<string, unknown>>;
  task_id?: string;
};

/** The outcome of a call in Python. */
export type End = {
  task_id: string;
  timeout?: true;
  is_err: boolean;
  return_value: unknown;
  execution_time: number;
  labels: Record<string, unknown>;
  error: { type: string; message: string; bases: string[] } | null;
};

export type ProduceOptions = { redis_url: string; format: 'pickle' | 'json'; timeout_s: number; stream?: string };

/** Calls the tasks from real Python, all at once, and waits there for their results. */
export async function produce(python: string, options: ProduceOptions, calls: readonly Call[]): Promise<End[]> {
  return (await runScript(python, 'produce.py', [JSON.stringify(options)], calls)) as End[];
}

/** Runs a script beside this file with `input` as JSON. Resolves to the JSON that it prints; throws with its stderr when it fails. */
export async function runScript(
  python: string,
  script: string,
  args: readonly string[],
  input: unknown,
): Promise<unknown> {
  const child = spawn(python, [join(import.meta.dirname, script), ...args], { stdio: 'pipe' });
  child.stdin.end(JSON.stringify(input));
  const [output, errors, [code]] = await Promise.all([
    json(child.stdout).catch(() => undefined),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${errors}`);
  return output;
}

export type WorkerOptions = {
  redis_url: string;
  tasks: readonly string[];
  stream?: string;
  group?: string;
  work_s?: number;
};

/** Starts a TaskIQ worker; resolves when it is about to read. The caller ends it with a signal. */
export async function startPythonWorker(python: string, options: WorkerOptions): Promise<ChildProcess> {
  const worker = spawn(python, [join(import.meta.dirname, 'worker.py'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(worker.stdout)) if (line === 'ready') return worker;
  throw new Error('worker.py ended before it was ready');
}

/** The folder that stands for the platform's Python worker, and the one with the example for its forwarded tasks. */
const PLATFORM = join(import.meta.dirname, 'platform');
const EXAMPLES = join(import.meta.dirname, '../../../examples/python');

type TaskiqProcess = { readonly env: Readonly<Record<string, string>>; readonly folder?: string };

/**
 * Runs `taskiq worker <broker>` in the place of the platform's Python worker, as its container does. Resolves when it listens; the
 * caller ends it with a signal. `--workers 1` is a supervisor with one process, both of which end with SIGTERM.
 */
export async function startTaskiqWorker(
  python: string,
  broker: string,
  env: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  return await startTaskiq(python, ['worker', broker, '--workers', '1'], { env });
}

/**
 * Runs `taskiq` with these arguments, beside the platform's modules and our examples. Resolves when the worker listens or the scheduler
 * sends.
 */
export async function startTaskiq(
  python: string,
  words: readonly string[],
  { env, folder = PLATFORM }: TaskiqProcess,
): Promise<ChildProcess> {
  const child = spawn(python, ['-m', 'taskiq', ...words], {
    cwd: folder,
    env: { ...process.env, PYTHONPATH: `${PLATFORM}:${EXAMPLES}`, PYTHONDONTWRITEBYTECODE: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  child.stdout.resume();
  const lines = createInterface(child.stderr);
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      if (/Listening started|Startup completed/.test(line)) resolve();
    });
    lines.once('close', () =>
      reject(new Error(`taskiq ${words.join(' ')} ended before it was ready:\n${said.join('\n')}`)),
    );
  });
  return child;
}
