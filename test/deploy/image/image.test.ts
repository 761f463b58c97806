import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutes } from '../../../src/lib/duration.ts';
import { freePort } from '../../../src/testing/servers/free-port.ts';
import { until } from '../../../src/testing/until.ts';
import { queueMany } from '../../../src/testing/world/notifications.ts';
import { RoleProcess } from '../../../src/testing/world/role-process.ts';
import { World } from '../../../src/testing/world/world.ts';
import { packagesIn, refused } from '../../../tools/licences.ts';
import { buildImage, type Image, makeReadOnly } from './build.ts';
import { Container } from './container.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const DOCKERFILE = join(ROOT, 'deploy/Dockerfile');

/** `gcr.io/distroless/cc-debian13` unpacked (libc, libstdc++, OpenSSL, certificates, time zones): rounded up, as nothing here can fetch it. */
const BASE_MB = 30;
/** The image may grow a little, but not unnoticed. */
const MOST_MB = 220;

/** `unshare` with its own user namespace, so that a program can be the first process of a container without root. */
const AS_FIRST_PROCESS = ['/usr/bin/unshare', '--user', '--map-current-user', '--pid', '--fork', '--kill-child'];
const canBeFirst = await run(AS_FIRST_PROCESS[0]!, [...AS_FIRST_PROCESS.slice(1), 'true']).then(
  () => true,
  () => false,
);

const json = async (path: string) => JSON.parse(await readFile(join(ROOT, path), 'utf8'));

describe('the Dockerfile', () => {
  test('names the Node that the tests run on, and this version', async () => {
    const text = await readFile(DOCKERFILE, 'utf8');
    const { devDependencies, version } = await json('package.json');
    expect(text).toContain(`ARG NODE_VERSION=${devDependencies.node}\n`);
    expect(text).toContain(`ARG VERSION=${version}\n`);
  });

  test('the lock file names the packages of every platform, so that `npm ci` takes it on each', async () => {
    const { packages } = await json('package-lock.json');
    const missing = Object.entries<{ optionalDependencies?: object }>(packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {})
        .filter((name) => !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages))
        .map((name) => `${name}, wanted by ${path}`),
    );
    // Mend it with `npm install --package-lock-only` on a copy of package.json and package-lock.json in an empty folder.
    expect(missing).toEqual([]);
  });
});

describe('the image', () => {
  let folder: string;
  let image: Image;
  let world: World;
  let container: Container;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task-worker-image-'));
    // Readable for the account that the build and the container change to.
    await chmod(folder, 0o755);
    [image, world] = await Promise.all([buildImage(DOCKERFILE, ROOT, folder), World.start()]);
    await makeReadOnly(image.root);
    container = await Container.of(image, { ...world.env, METRICS_PORT: String(await freePort()) });
  }, minutes(5));
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await container?.[Symbol.asyncDispose]();
    await run('chmod', ['-R', 'u+w', folder]);
    await rm(folder, { recursive: true });
  });

  const start = async (role: 'worker' | 'scheduler', env: Record<string, string> = {}): Promise<RoleProcess> =>
    await RoleProcess.start(role, env, undefined, (args, more) => container.spawn(args, more));

  test('ships what runs in production and nothing else: no test, no sandbox, no types, no AGPL', async () => {
    const app = join(image.root, 'app');
    const found = globSync('{src/**/*.test.ts,src/testing/**,node_modules/**/*.{ts,map}}', { cwd: app });
    expect(found).toEqual([]);

    const packages = packagesIn(join(app, 'node_modules'));
    const { dependencies, devDependencies } = await json('package.json');
    const names = new Set(packages.map(({ name }) => name));
    expect(refused(packages)).toEqual([]);
    expect(Object.keys(dependencies).filter((name) => !names.has(name))).toEqual([]);
    expect(Object.keys(devDependencies).filter((name) => names.has(name))).toEqual([]);
  });

  test('is small', () => {
    const layers = [...image.layers].map(([path, size]): [string, number] => [path, Math.round(size / 1e5) / 10]);
    const total = layers.reduce((sum, [, megabytes]) => sum + megabytes, BASE_MB);
    console.log(
      `image, unpacked: ${Math.round(total)} MB\n  base ${BASE_MB}\n${layers.map((line) => `  ${line.join(' ')}`).join('\n')}`,
    );
    expect(total).toBeLessThan(MOST_MB);
  });

  test('runs as nobody’s root and says what it is', async () => {
    const { version } = await json('package.json');
    expect(image.user).toMatch(/^[1-9]\d+:[1-9]\d+$/);
    expect(image.labels.get('org.opencontainers.image.version')).toBe(version);
    for (const label of ['title', 'description', 'licenses', 'revision', 'base.name'])
      expect(image.labels.get(`org.opencontainers.image.${label}`)).toBeTruthy();
    expect([...image.env.keys()].filter((name) => /TOKEN|PASSWORD|SECRET|URL/.test(name))).toEqual([]);
  });

  test('`task-worker` is its entrypoint and on its PATH; the whole catalogue is there', async () => {
    const { version } = await json('package.json');
    expect(await container.run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
    const { stdout } = await container.exec(['task-worker', 'tasks', '--json']);
    const here = await world.command(['tasks', '--json']);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(here.stdout));
  });

  test('what is loaded only when it is needed is there too: storage, pictures of charts', async () => {
    const script = `
      await import('@aws-sdk/client-s3'); await import('@aws-sdk/lib-storage');
      const { Resvg } = await import('@resvg/resvg-js');
      const { readdirSync } = await import('node:fs');
      console.log(typeof Resvg, readdirSync('node_modules/dejavu-fonts-ttf/ttf').join());`;
    const { code, stdout, stderr } = await container.exec(['node', '--input-type=module', '--eval', script]);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'function DejaVuSans-Bold.ttf,DejaVuSans.ttf\n',
      stderr: '',
    });
  });

  test('a worker delivers from it, is healthy by its own health check, and ends by SIGTERM; nothing is written but where something is mounted', async () => {
    const before = (await stat(join(image.root, 'app'))).mtimeMs;
    const check = image.healthcheck;
    expect(check[0]).toBe('task-worker');
    expect((await container.exec(check)).code).toBe(1);

    await using worker = await start('worker', { WORKER_CONCURRENCY: '2', SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s' });
    await using _scheduler = await start('scheduler', {
      METRICS_PORT: String(await freePort()),
      SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
    });
    await queueMany(world.pool, { count: 5 });
    await until('all are delivered', () => world.telegram.stats().total === 5);
    expect(await container.exec(check)).toMatchObject({ code: 0, stderr: '' });

    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    expect(worker.output.filter((line) => /EROFS|EACCES|EPERM/.test(line))).toEqual([]);
    expect((await stat(join(image.root, 'app'))).mtimeMs).toBe(before);
  });

  const first = 'as the first process of a container it ends by SIGTERM';
  test.skipIf(!canBeFirst)(canBeFirst ? first : `${first} (SKIPPED: no user namespaces here)`, async () => {
    // The kernel gives a first process only the signals that it listens to: without a listener this would wait forever.
    await using worker = await RoleProcess.start('worker', {}, undefined, (args, env) =>
      container.spawn(args, env, AS_FIRST_PROCESS),
    );
    const inside = await readFile(`/proc/${worker.pid}/task/${worker.pid}/children`, 'utf8');
    expect(worker.log[0]).toMatchObject({ pid: 1 });
    process.kill(Number.parseInt(inside, 10), 'SIGTERM');
    expect(await worker.ended).toEqual({ code: 0, signal: null });
  });
});
