import { defineConfig } from 'vitest/config';

/** Tests that break engines and workers on purpose (npm run test:chaos). They take minutes and start their own engines. */
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/chaos/**/*.test.ts'],
    setupFiles: ['test/support/quiet-temporal.ts'],
    // They kill and restart engines, and use both cores.
    fileParallelism: false,
    testTimeout: 30 * 60_000,
    hookTimeout: 15 * 60_000,
  },
});
