import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** A program that a server needs on this machine: the first of `names` that is found, from the Debian package `debianPackage`. */
interface Wanted {
  readonly title: string;
  /** Equivalent programs, in order of preference where one folder has several. */
  readonly names: readonly string[];
  readonly debianPackage: string;
}

const POSTGRES: Wanted = { title: 'PostgreSQL', names: ['initdb'], debianPackage: 'postgresql' };
const REDIS: Wanted = { title: 'Redis', names: ['redis-server', 'valkey-server'], debianPackage: 'redis-server' };
const PROMETHEUS: Wanted = { title: 'Prometheus', names: ['prometheus'], debianPackage: 'prometheus' };
/** Debian's name differs from that of its makers. */
const ALERTMANAGER: Wanted = {
  title: 'Alertmanager',
  names: ['prometheus-alertmanager', 'alertmanager'],
  debianPackage: 'prometheus-alertmanager',
};

const PGBOUNCER: Wanted = { title: 'PgBouncer', names: ['pgbouncer'], debianPackage: 'pgbouncer' };

const OPENSSL: Wanted = { title: 'OpenSSL', names: ['openssl'], debianPackage: 'openssl' };

/** The folders of servers that packages keep off the PATH: Debian, PGDG, Homebrew, installers under /opt. */
const USUAL_PLACES = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/usr/local/*/bin',
  '/usr/sbin',
  '/opt/*/bin',
  '/opt/*/*/bin',
];

/** The folder that holds both `initdb` and `postgres`. Throws a one-line error that names the package to install. */
export function postgresBinFolder(searchPath = process.env.PATH ?? ''): string {
  return dirname(find(POSTGRES, searchPath));
}

/** The path of `redis-server` or `valkey-server`. Throws a one-line error that names the package to install. */
export function redisBinary(searchPath = process.env.PATH ?? ''): string {
  return find(REDIS, searchPath);
}

/** The path of `pgbouncer`. Throws a one-line error that names the package to install. */
export function pgbouncerBinary(searchPath = process.env.PATH ?? ''): string {
  return find(PGBOUNCER, searchPath);
}

/** The path of `openssl`, which makes certificates. Throws a one-line error that names the package to install. */
export function opensslBinary(searchPath = process.env.PATH ?? ''): string {
  return find(OPENSSL, searchPath);
}

/** Programs of Prometheus and Alertmanager. Each package brings a server and the tool that checks its files. */
export type MonitoringPrograms = Readonly<Record<'prometheus' | 'promtool' | 'alertmanager' | 'amtool', string>>;

/** The paths of these programs. Throws a one-line error that names the package to install. */
export function monitoringPrograms(searchPath = process.env.PATH ?? ''): MonitoringPrograms {
  return {
    prometheus: find(PROMETHEUS, searchPath),
    promtool: find({ ...PROMETHEUS, names: ['promtool'] }, searchPath),
    alertmanager: find(ALERTMANAGER, searchPath),
    amtool: find({ ...ALERTMANAGER, names: ['amtool'] }, searchPath),
  };
}

/** The Debian packages of the servers that this machine lacks; empty where it lacks none. */
export function missingDebianPackages(searchPath = process.env.PATH ?? ''): string[] {
  return missing([POSTGRES, REDIS, OPENSSL], searchPath);
}

/** The missing Debian package of the pooler, which only one test needs. */
export function missingPoolerPackages(searchPath = process.env.PATH ?? ''): string[] {
  return missing([PGBOUNCER], searchPath);
}

/** The missing Debian packages that only tests of the monitoring need. */
export function missingMonitoringPackages(searchPath = process.env.PATH ?? ''): string[] {
  return missing([PROMETHEUS, ALERTMANAGER], searchPath);
}

function missing(all: readonly Wanted[], searchPath: string): string[] {
  return all.filter((wanted) => !locate(wanted, searchPath)).map((wanted) => wanted.debianPackage);
}

function find(wanted: Wanted, searchPath: string): string {
  const path = locate(wanted, searchPath);
  if (path) return path;
  throw new Error(
    `${wanted.title}: no ${wanted.names.join(' or ')} on the PATH or in the usual places; ` +
      `install it, for example with: sudo apt-get install ${wanted.debianPackage}`,
  );
}

function locate(wanted: Wanted, searchPath: string): string | undefined {
  const folders = [...searchPath.split(delimiter).filter(Boolean), ...USUAL_PLACES.flatMap(newestFirst)];
  return folders.flatMap((folder) => wanted.names.map((name) => join(folder, name))).find(isExecutable);
}

/** Version folders sort as numbers, so that 17 comes before 9.6. */
function newestFirst(pattern: string): string[] {
  return globSync(pattern).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
