import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { NEWEST_VERSIONS, PLATFORM_VERSIONS, searchPathOf } from './src/testing/servers/server-versions.ts';

refuseOldNode();

/** Files whose tests start or use a PostgreSQL or Redis server. */
const WITH_SERVERS = '{src,sandbox}/**/*.db.test.ts';

/** Files whose tests speak HTTP or TCP with something in their own process, mostly a sandbox. */
const WITH_SANDBOX = [
  'src/clients/**/*.test.ts',
  'sandbox/**/*.test.ts',
  'src/observability/{error-reports,tracing}.test.ts',
  'src/testing/servers/tcp-proxy.test.ts',
  'src/triggers/http/server.test.ts',
];

/** They measure time, so nothing may run beside them. */
const ALONE = ['test/rate.test.ts', 'test/doors/*.test.ts'];

/**
 * Five projects; a test's file name says where it belongs:
 * - `unit`: `x.test.ts` beside the code. No server, no other process, no port: the whole project takes seconds.
 * - `sandbox`: the same, of clients, sandboxes and others that open a port: HTTP within one process.
 * - `db`: `x.db.test.ts` beside the code. One PostgreSQL for all, a database of its own for each file, on the platform's own versions of
 *   PostgreSQL and Valkey.
 * - `process`: `test/**`. Whole processes and outside programs, after everything above.
 * - `alone`: those of them that nothing may run beside, at the end.
 *
 * Files of the first three share what is loaded, which modules without state allow, and which saves half of the time.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the cores of the smallest machine: tests of whole processes mostly wait.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // As long as `until`: a loaded machine makes a test slow, and none of them fail.
    expect: { poll: { timeout: 40_000 } },
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      exclude: ['src/**/*.test.ts', 'src/testing/**'],
      reporter: ['text-summary', 'html', 'json-summary'],
      thresholds: { lines: 90, branches: 85 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          isolate: false,
          include: ['{src,tools}/**/*.test.ts'],
          exclude: [WITH_SERVERS, ...WITH_SANDBOX],
        },
      },
      {
        extends: true,
        test: { name: 'sandbox', isolate: false, include: WITH_SANDBOX, exclude: [WITH_SERVERS] },
      },
      {
        extends: true,
        test: {
          name: 'db',
          isolate: false,
          include: [WITH_SERVERS],
          globalSetup: ['src/testing/global-setup.ts'],
          // The other projects run on the machine's own, in CI those of Debian 12.
          env: { PATH: searchPathOf(process.env.SERVERS === 'newest' ? NEWEST_VERSIONS : PLATFORM_VERSIONS) },
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          globalSetup: ['src/testing/global-setup.ts'],
          testTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          globalSetup: ['src/testing/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

/** Vitest itself starts on older ones, and then fails in each test by what they lack. */
function refuseOldNode(): void {
  const { engines } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
  const oldest = Number(/^>=(\d+)$/.exec(engines.node)?.[1]);
  if (Number.parseInt(process.versions.node, 10) >= oldest) return;
  const error = new Error(
    `Tests need Node.js ${oldest} or newer, and this is ${process.versions.node}: run them with npm (npm run test:unit, npx vitest run …), or put node_modules/.bin, where the right one lies, first on the PATH.`,
  );
  // Where it was thrown says nothing.
  error.stack = error.message;
  throw error;
}
