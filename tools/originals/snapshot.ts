import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { minutes } from '../../src/lib/duration.ts';
import { privatePython } from '../../test/contract/private-python.ts';

const run = promisify(execFile);

/** The commit that `test/originals/` was recorded from. */
const COMMIT = 'e8b48e42';

/** The folders of the platform's repository. */
const PROJECTS = { backend: 'backend', 'python-worker': 'services/task-worker' } as const;
export type Project = keyof typeof PROJECTS;

/** One of the originals, unpacked, with a Python that has the packages of its lock file. */
export type Original = { readonly folder: string; readonly python: string };

/**
 * Unpacks `project` from a bare git snapshot of the platform and installs what its `uv.lock` names. A second call on the same folder does
 * neither again. Nothing of it may be committed, so `work` must lie outside of this repository.
 */
export async function openOriginal(project: Project, { git, work }: { git: string; work: string }): Promise<Original> {
  if (resolve(work).startsWith(resolve(import.meta.dirname, '../..')))
    throw new Error(`${work} lies in this repository; the original's code must stay outside of it`);
  const folder = join(work, 'src', PROJECTS[project]);
  const environment = join(work, `venv-${project}`);
  const python = join(environment, 'bin/python');
  if (!(await exists(join(folder, 'uv.lock')))) {
    await mkdir(join(work, 'src'), { recursive: true });
    const archive = join(work, `${project}.tar`);
    await run('git', ['-C', git, 'archive', '-o', archive, COMMIT, PROJECTS[project]]);
    await run('tar', ['xf', archive, '-C', join(work, 'src')]);
  }
  if (!(await exists(python))) await install(folder, environment);
  return { folder, python };
}

async function install(folder: string, environment: string): Promise<void> {
  const uv = await privatePython({ packages: ['uv==0.9.13'], modules: ['uv'], oldestMinor: 10 });
  if ('skipped' in uv) throw new Error(`uv cannot be installed: ${uv.skipped}`);
  await run(
    join(dirname(uv.python), 'uv'),
    ['sync', '--frozen', '--no-dev', '--no-install-project', '--python', await python313()],
    {
      ...{ cwd: folder, timeout: minutes(10) },
      env: { ...process.env, UV_PROJECT_ENVIRONMENT: environment, UV_PYTHON_DOWNLOADS: 'never' },
    },
  );
}

/** The originals want 3.13; the platform's image has it. */
async function python313(): Promise<string> {
  const candidates = ['python3.13', join(homedir(), '.pyenv/versions/3.13.0/bin/python3.13'), 'python3'];
  for (const command of candidates) {
    const version = await run(command, ['-c', 'import sys; print(sys.version_info >= (3, 13))']).catch(() => undefined);
    if (version?.stdout.trim() === 'True') return command;
  }
  throw new Error(
    'no Python 3.13 here: Debian 13 has it as python3.13, pyenv builds it, and so does a container of python:3.13',
  );
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
