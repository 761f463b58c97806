import { defineConfig } from 'vitest/config';
import { MUTATED_TESTS } from './tests-variable.ts';

/** The tests of one area, as the projects `unit` and `db` run them, one after another. */
export default defineConfig({
  test: {
    include: (process.env[MUTATED_TESTS] ?? '').split(' '),
    globalSetup: ['src/testing/global-setup.ts'],
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 40_000 } },
  },
});
