import { defineConfig } from 'vitest/config';

/** Tests that break engines and workers on purpose (npm run test:chaos), which take minutes. Each file starts its own engines. */
export default defineConfig({
  test: {
    include: ['test/chaos/**/*.test.ts'],
    setupFiles: ['test/support/quiet-temporal.ts'],
    pool: 'forks',
    // They kill and restart engines, and use both cores.
    fileParallelism: false,
    testTimeout: 30 * 60_000,
    hookTimeout: 15 * 60_000,
  },
});
