import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { everyCommand, ROLES } from '../../../src/app/command-line.ts';
import { describeConfig, parseConfig } from '../../../src/config.ts';
import { readArgs } from '../../../src/triggers/cli/terminal.ts';
import { type ComposeFile, readCompose, type Service } from './compose-file.ts';

const DEPLOY = new URL('../../../deploy/', import.meta.url);
const STACK = new URL('compose.yml', DEPLOY);
const BESIDE = new URL('compose.worker.yml', DEPLOY);

/** The longest time of a stop, reached when servers are silent (`main.ts`). */
const STOP_S = 22;

/** The names in the platform's own file, as it runs today. */
const PLATFORM = { services: ['remnawave-db', 'remnawave-redis', 'remnawave'], metricsPort: 9091 };

/** The variables that an operator fills in. */
const PASSWORDS = {
  POSTGRES_PASSWORD: 'p'.repeat(48),
  VALKEY_PASSWORD: 'v'.repeat(48),
  GRAFANA_PASSWORD: 'g',
  ALERT_TELEGRAM_CHAT_ID: '-1001',
};

/** `.env.example` with its seven required variables, as an operator's `.env`. */
const dotenv = async (): Promise<Record<string, string>> =>
  parseEnv(await readFile(new URL('../.env.example', DEPLOY), 'utf8')) as Record<string, string>;

/** The container's port of `127.0.0.1:9094:9090`. */
const targetPort = (port: string): number => Number(port.split(':').at(-1));

const ROOT = new URL('..', DEPLOY).pathname;

/** A folder or file of this machine that a container sees. */
type Mount = { source: string; target: string };

/** The mounts of files beside a compose file, without volumes. */
function mountsOf({ volumes }: Service): Mount[] {
  return volumes
    .map((volume) => volume.split(':') as [string, string])
    .filter(([source]) => /^[./]/.test(source))
    .map(([source, target]) => ({ source: resolve(DEPLOY.pathname, source), target }));
}

/** Paths in a text that lie below a mount, as they are on this machine. */
function mountedPaths(text: string, mounts: readonly Mount[]): string[] {
  return [...text.matchAll(/\/[\w./-]+/g)].flatMap(([path]) =>
    mounts
      .filter(({ target }) => path === target || path.startsWith(`${target}/`))
      .map(({ source, target }) => join(source, path.slice(target.length))),
  );
}

/** Throws where `task-worker` does not take these arguments: an unknown command, option or word. */
function expectTaken([name = '', ...words]: readonly string[]): void {
  if (name in ROLES) {
    expect(words, `a role takes no words: ${name}`).toEqual([]);
    return;
  }
  const command = everyCommand.find((known) => known.name === name);
  expect(command, `there is no command ${name}`).toBeDefined();
  for (const word of readArgs(words, command!).words) expect(command!.usage).toContain(word);
}

describe.each([
  ['compose.yml', STACK, { ...PASSWORDS }],
  // Paths are relative to the platform's folder, which may be anywhere.
  ['compose.worker.yml', BESIDE, { TASK_WORKER_DIR: ROOT }],
])('deploy/%s', (_, path, variables: Record<string, string>) => {
  let file: ComposeFile;
  let services: [string, Service][];
  let ours: [string, Service][];
  beforeAll(async () => {
    file = await readCompose(path, variables);
    services = Object.entries(file.services);
    ours = services.filter(([, { build }]) => build !== undefined);
  });

  test('has a worker and a scheduler from one image, within 512 MB and 256 MB, their logs rotated', () => {
    expect(ours.map(([name]) => name)).toEqual(['cybervpn-worker', 'cybervpn-scheduler']);
    const [worker, scheduler] = ours.map(([, service]) => service) as [Service, Service];
    expect(worker.image).toBe(scheduler.image);
    expect([worker.command, scheduler.command]).toEqual([['worker'], ['scheduler']]);
    expect(worker.deploy!.resources.limits).toEqual({ memory: '512M', cpus: '1' });
    expect(scheduler.deploy!.resources.limits).toEqual({ memory: '256M', cpus: '0.5' });
    expect(worker.logging).toEqual({ driver: 'json-file', options: { 'max-size': '50m', 'max-file': '3' } });
    expect(scheduler.logging).toEqual({ driver: 'json-file', options: { 'max-size': '20m', 'max-file': '3' } });
  });

  test('gives them only variables that exist, and what is set beside .env is a whole configuration', async () => {
    const known = new Set(describeConfig().map(({ name }) => name));
    for (const [name, { environment }] of ours) {
      expect(
        Object.keys(environment).filter((variable) => !known.has(variable)),
        name,
      ).toEqual([]);
      expect(parseConfig({ ...(await dotenv()), ...environment }).METRICS_PORT, name).toBeGreaterThan(0);
    }
  });

  test('asks for their health with a command that there is, as often as the platform does, and restarts what ended', () => {
    for (const [, { command, entrypoint, healthcheck, restart }] of ours) {
      // The service must keep the image's entrypoint, which is `task-worker`.
      expect(entrypoint).toEqual([]);
      expectTaken(command);
      expectTaken(healthcheck!.test.slice(2));
      expect(healthcheck).toEqual({
        test: ['CMD', 'task-worker', 'health'],
        interval: '30s',
        timeout: '10s',
        retries: 3,
        start_period: '15s',
      });
      expect(restart).toBe('unless-stopped');
    }
  });

  test('the commands that its head tells to type are there, and so are the files that they name', async () => {
    const head = (await readFile(path, 'utf8')).split('\n').filter((line) => line.startsWith('#'));
    const typed = head.map((line) => line.slice(1).replace(/ # .*$/, ''));
    for (const line of typed) {
      const words = /\btask-worker ([a-z].*)$/.exec(line)?.[1]?.trim().split(/\s+/);
      if (words) expectTaken(words);
      for (const [, profile] of line.matchAll(/--profile (\w+)/g))
        expect(services.flatMap(([, { profiles }]) => profiles)).toContain(profile);
      for (const [file] of line.matchAll(/\bdeploy\/[\w.]*\w|(?<=\s)\.env\.example/g))
        expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
    expect(typed.some((line) => line.includes('docker compose '))).toBe(true);
  });

  test('whatever it builds from, mounts and reads is in the repository', async () => {
    const examples = Object.keys({ ...(await dotenv()), ...PASSWORDS });
    for (const [name, service] of services) {
      const { build, env_file: envFiles, secrets } = service;
      if (build) expect(existsSync(join(resolve(DEPLOY.pathname, build.context), build.dockerfile)), name).toBe(true);
      // An operator makes it from the example beside it.
      for (const { path: file } of envFiles)
        expect(existsSync(`${resolve(DEPLOY.pathname, file)}.example`), `${name}: ${file}`).toBe(true);
      for (const secret of secrets) expect(examples, name).toContain(file.secrets[secret]!.environment);
      const mounts = mountsOf(service);
      const named = [...service.entrypoint, ...service.command, ...(service.healthcheck?.test ?? [])];
      const needed = [...mounts.map(({ source }) => source), ...named.flatMap((word) => mountedPaths(word, mounts))];
      expect(
        needed.filter((needs) => !needs.startsWith(ROOT) || !existsSync(needs)),
        name,
      ).toEqual([]);
    }
  });

  test('lets running jobs end, writes nowhere but to what is mounted, and needs no privilege', async () => {
    const dockerfile = await readFile(new URL('Dockerfile', DEPLOY), 'utf8');
    const exports = /^ +EXPORT_DIR=(\S+)/m.exec(dockerfile)![1]!;
    for (const [, service] of ours) {
      expect(Number.parseInt(service.stop_grace_period!, 10)).toBeGreaterThan(STOP_S);
      expect(service).toMatchObject({
        read_only: true,
        init: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        environment: { EXPORT_DIR: exports },
      });
      expect(service.tmpfs[0]).toMatch(/^\/tmp:/);
    }
    expect(ours[0]![1].volumes.map((volume) => volume.split(':')[1])).toEqual([exports]);
  });

  test('publishes ports on this machine only, each of them one that its service listens on', () => {
    for (const [, { environment, ports }] of ours)
      for (const port of ports) expect(targetPort(port)).toBe(Number(environment.METRICS_PORT));
    for (const [, { ports }] of services) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:[\d-]+:\d+$/);
  });

  test('every network, volume, secret and service that is named is there', () => {
    const places = new Set([...Object.keys(file.services), ...(path === BESIDE ? PLATFORM.services : [])]);
    for (const [name, service] of services) {
      const named = service.volumes.map((volume) => volume.split(':')[0]!).filter((source) => !/^[./]/.test(source));
      expect(
        named.filter((volume) => !(volume in file.volumes)),
        name,
      ).toEqual([]);
      expect(
        service.networks.filter((network) => !(network in file.networks)),
        name,
      ).toEqual([]);
      expect(
        service.secrets.filter((secret) => !(secret in file.secrets)),
        name,
      ).toEqual([]);
      expect(
        Object.keys(service.depends_on).filter((other) => !places.has(other)),
        name,
      ).toEqual([]);
      for (const [other, { condition }] of Object.entries(service.depends_on))
        if (condition === 'service_healthy' && other in file.services)
          expect(file.services[other]!.healthcheck, other).toBeDefined();
    }
    expect(Object.keys(file.volumes)).toEqual(
      Object.keys(file.volumes).filter((volume) =>
        services.some(([, service]) => service.volumes.some((used) => used.startsWith(`${volume}:`))),
      ),
    );
  });

  test('every image has a version', () => {
    for (const [name, { build, image }] of services)
      if (!build) expect(image, name).toMatch(/:v?\d+(\.\d+)*(-alpine)?$/);
  });
});

describe('what is mounted', () => {
  test('is found in the words that name it', () => {
    const mounts = [{ source: '/repo/rules', target: '/etc/p/rules' }];
    expect(mountedPaths('--file /etc/p/rules/a.yml --other=/etc/p/rules-of-others', mounts)).toEqual([
      '/repo/rules/a.yml',
    ]);
  });

  test('a word or option that no command has is found', () => {
    expect(() => expectTaken(['work'])).toThrow('there is no command work');
    expect(() => expectTaken(['health', '--deep'])).toThrow('--deep');
    expect(() => expectTaken(['worker', '--fast'])).toThrow('a role takes no words');
    expectTaken(['schema', 'check', '--json']);
  });
});

describe('the stand-alone stack', () => {
  let file: ComposeFile;
  beforeAll(async () => {
    file = await readCompose(STACK, PASSWORDS);
  });

  test('does not start with a password that nobody set', async () => {
    for (const name of Object.keys(PASSWORDS)) {
      await expect(readCompose(STACK, { ...PASSWORDS, [name]: '' })).rejects.toThrow(`set ${name} in .env`);
    }
    const example = parseEnv(await readFile(new URL('stack.env.example', DEPLOY), 'utf8'));
    expect(new Set(Object.keys(example))).toEqual(new Set(Object.keys(PASSWORDS)));
  });

  test('runs two workers beside PostgreSQL 17 and Valkey 8.1, which keeps what it has and evicts nothing', () => {
    expect(file.services['cybervpn-worker']!.deploy!.replicas).toBe(2);
    expect(file.services.postgres!.image).toMatch(/^postgres:17/);
    const { command, deploy, image } = file.services.valkey!;
    expect(image).toMatch(/^valkey\/valkey:8\.1/);
    const option = (name: string): string => command[command.indexOf(`--${name}`) + 1]!;
    expect([option('appendonly'), option('maxmemory-policy')]).toEqual(['yes', 'noeviction']);
    // The fork that rewrites the log may touch every page.
    expect(Number.parseInt(deploy!.resources.limits.memory, 10)).toBeGreaterThanOrEqual(
      2 * Number.parseInt(option('maxmemory'), 10),
    );
  });

  test('PostgreSQL takes as many connections as all processes may open', async () => {
    const { DB_POOL_SIZE, WORKER_CONCURRENCY } = parseConfig(await dotenv());
    const { replicas } = file.services['cybervpn-worker']!.deploy!;
    const most = Number(/max_connections=(\d+)/.exec(file.services.postgres!.command.join(' '))![1]);
    expect(most).toBeGreaterThan(DB_POOL_SIZE * (replicas * (WORKER_CONCURRENCY + 1) + 1));
  });

  test('PostgreSQL and Valkey are reached by nobody outside', () => {
    expect(file.networks.data).toEqual({ internal: true });
    for (const name of ['postgres', 'valkey'])
      expect(file.services[name]).toMatchObject({ networks: ['data'], ports: [] });
  });

  test('Prometheus asks services that it shares a network with, at the ports they listen on', async () => {
    const { scrape_configs: jobs } = parse(await readFile(new URL('prometheus/prometheus.yml', DEPLOY), 'utf8'));
    const targets: [string, number][] = jobs.flatMap(
      (job: { dns_sd_configs?: { names: string[]; port: number }[]; static_configs?: { targets: string[] }[] }) => [
        ...(job.dns_sd_configs ?? []).flatMap(({ names, port }) => names.map((name) => [name, port])),
        ...(job.static_configs ?? []).flatMap(({ targets: all }) =>
          all.map((one) => [one.split(':')[0], Number(one.split(':')[1])]),
        ),
      ],
    );
    const { networks } = file.services.prometheus!;
    for (const [host, port] of targets.filter(([name]) => name !== 'localhost')) {
      const service = file.services[host]!;
      expect(
        service.networks.some((network) => networks.includes(network)),
        host,
      ).toBe(true);
      expect(service.environment.METRICS_PORT ?? service.ports.map(targetPort).join(), host).toBe(String(port));
    }
    expect(targets.map(([host]) => host)).toEqual(expect.arrayContaining(['cybervpn-worker', 'cybervpn-scheduler']));
  });
});

describe('the worker beside the platform', () => {
  test('is found by the platform’s Prometheus, waits for what it needs, and comes up only with its profile', async () => {
    const { services } = await readCompose(BESIDE);
    const [worker, scheduler] = [services['cybervpn-worker']!, services['cybervpn-scheduler']!];
    expect([worker.container_name, scheduler.container_name]).toEqual(['cybervpn-worker', 'cybervpn-scheduler']);
    expect(Number(worker.environment.METRICS_PORT)).toBe(PLATFORM.metricsPort);
    expect(Object.keys(worker.depends_on)).toEqual(PLATFORM.services);
    expect(scheduler.depends_on).toEqual({ 'cybervpn-worker': { condition: 'service_healthy' } });
    for (const { networks, profiles } of [worker, scheduler])
      expect({ networks, profiles }).toEqual({ profiles: ['worker'], networks: ['cybervpn-backend', 'cybervpn-data'] });
  });

  test('its names and port are variables', async () => {
    const { services } = await readCompose(BESIDE, {
      WORKER_CONTAINER: 'w',
      SCHEDULER_CONTAINER: 's',
      WORKER_METRICS_PORT: '9191',
      WORKER_REDIS_HOST: 'valkey',
    });
    const [worker, scheduler] = [services['cybervpn-worker']!, services['cybervpn-scheduler']!];
    expect([worker.container_name, scheduler.container_name]).toEqual(['w', 's']);
    expect(worker.ports).toEqual(['127.0.0.1:9191:9191']);
    for (const { environment } of [worker, scheduler])
      expect(environment).toMatchObject({ METRICS_PORT: '9191', REDIS_URL: 'redis://valkey:6379/0' });
  });
});
