import { execFile } from 'node:child_process';
import { chown, copyFile, cp, mkdir, readFile, rename, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { minutes } from '../../../src/lib/duration.ts';
import { assignments, type Instruction, isIgnored, parseDockerfile, type Stage, substitute } from './dockerfile.ts';

const run = promisify(execFile);

/** The image as an engine sees it: a tree of files and the settings for running a program in it. */
export type Image = {
  /** The folder that is `/` in a container. */
  readonly root: string;
  readonly env: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  readonly workdir: string;
  /** `uid:gid` */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  /** The bytes of each COPY of the last stage, by its text. */
  readonly layers: ReadonlyMap<string, number>;
};

/** Only root can run a program as another user. */
export const isRoot = process.getuid?.() === 0;

/**
 * Carries out a Dockerfile's instructions on a folder, where no engine runs: its COPY and RUN lines unchanged, with the folder in the place
 * of `/`. Base images are not fetched; they only provide the Node that runs this, under `/usr/local/bin`. The folder of the last stage is
 * `into`/root; the earlier stages are beside it.
 */
export async function buildImage(dockerfile: string, context: string, into: string): Promise<Image> {
  const { args, stages } = parseDockerfile(await readFile(dockerfile, 'utf8'));
  const dockerignore = await readFile(join(context, '.dockerignore'), 'utf8');
  const root = join(into, 'root');
  let image: Builder | undefined;
  for (const stage of stages) {
    // Each stage is built in the place of the last one, so that the paths that it writes into files stay valid.
    if (image) await rename(root, join(into, image.stage.name));
    image = new Builder(stage, { root, context, dockerignore, args: new Map(args), others: into });
    await image.build();
  }
  return image!;
}

type Where = { root: string; context: string; dockerignore: string; args: Map<string, string>; others: string };

class Builder implements Image {
  readonly stage: Stage;
  readonly root: string;
  readonly env = new Map<string, string>();
  readonly labels = new Map<string, string>();
  readonly layers = new Map<string, number>();
  workdir = '/';
  user = '0:0';
  entrypoint: readonly string[] = [];
  command: readonly string[] = [];
  healthcheck: readonly string[] = [];
  readonly #where: Where;

  constructor(stage: Stage, where: Where) {
    this.stage = stage;
    this.root = where.root;
    this.#where = where;
  }

  async build(): Promise<void> {
    await mkdir(this.root, { recursive: true });
    if (this.stage.base.startsWith('node:')) {
      await mkdir(join(this.root, 'usr/local/bin'), { recursive: true });
      await copyFile(process.execPath, join(this.root, 'usr/local/bin/node'));
    }
    for (const instruction of this.stage.instructions) await this.#carryOut(instruction);
  }

  async #carryOut({ flags, name, text: written }: Instruction): Promise<void> {
    const { args } = this.#where;
    const text = substitute(written, args);
    if (name === 'ARG') {
      const [[arg, value] = ['', '']] = assignments(text);
      args.set(arg, value);
    } else if (name === 'ENV') for (const [key, value] of assignments(text)) this.env.set(key, value);
    else if (name === 'LABEL') for (const [key, value] of assignments(text)) this.labels.set(key, value);
    else if (name === 'USER') this.user = text;
    else if (name === 'WORKDIR') await this.#enter(text);
    else if (name === 'ENTRYPOINT') this.entrypoint = JSON.parse(text);
    else if (name === 'CMD') this.command = JSON.parse(text);
    else if (name === 'HEALTHCHECK') this.healthcheck = JSON.parse(text.replace(/^.*?CMD /, ''));
    else if (name === 'COPY') await this.#copy(text.split(' '), flags);
    else if (name === 'RUN') await this.#run(text);
    else if (name !== 'EXPOSE' && name !== 'STOPSIGNAL') throw new Error(`${name} is not known here`);
  }

  async #enter(workdir: string): Promise<void> {
    this.workdir = workdir;
    await mkdir(join(this.root, workdir), { recursive: true });
  }

  async #copy(words: readonly string[], { from, chown: owner }: Instruction['flags']): Promise<void> {
    const { context, dockerignore, others } = this.#where;
    const target = words.at(-1)!;
    for (const word of words.slice(0, -1)) {
      const source = join(from === undefined ? context : join(others, from), word);
      const isFolder = (await stat(source)).isDirectory();
      const path = join(this.root, target.startsWith('/') ? '' : this.workdir, target);
      const destination = isFolder || !/(^\.|\/)$/.test(target) ? path : join(path, basename(word));
      await mkdir(dirname(destination), { recursive: true });
      await cp(source, destination, {
        recursive: true,
        preserveTimestamps: true,
        verbatimSymlinks: true,
        filter: (file) => from !== undefined || file === source || !isIgnored(relative(context, file), dockerignore),
      });
      if (owner !== undefined && isRoot) await chown(destination, ...ids(owner));
      this.layers.set(word, await bytes(destination));
    }
  }

  async #run(command: string): Promise<void> {
    const [uid, gid] = ids(this.user);
    const bin = join(this.root, 'usr/local/bin');
    try {
      await run('sh', ['-euc', command.replaceAll('/usr/local/bin', bin)], {
        cwd: join(this.root, this.workdir),
        env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
        timeout: minutes(5),
        maxBuffer: 16 * 1024 ** 2,
        ...(isRoot && { uid, gid }),
      });
    } catch (error) {
      const { stderr, stdout } = error as { stderr?: string; stdout?: string };
      throw new Error(`RUN ${command}\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
    }
  }
}

/** Lets everybody read and nobody write, as the image's user finds root's files in a container. */
export async function makeReadOnly(folder: string): Promise<void> {
  await run('chmod', ['-R', 'a+rX,a-w', folder]);
}

/** The sum of all files, as layers of an image count them. */
async function bytes(path: string): Promise<number> {
  const { stdout } = await run('du', ['--summarize', '--apparent-size', '--bytes', path]);
  return Number.parseInt(stdout, 10);
}

/** `65532:65532` */
export function ids(user: string): [number, number] {
  const [uid = 0, gid = 0] = user.split(':').map(Number);
  return [uid, gid];
}
