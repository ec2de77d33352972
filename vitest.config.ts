import { defineConfig } from 'vitest/config';

/** Two kinds of tests: pure ones, which need nothing, and ones on the real engines, which are brought up once for all. */
export default defineConfig({
  test: {
    // Temporal's native runtime is one a process, and runs out of memory under worker threads.
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'engines',
          include: ['test/{workflow,integration,e2e,replay}/**/*.test.ts'],
          globalSetup: ['test/support/engines.ts'],
          setupFiles: ['test/support/quiet-temporal.ts', 'test/support/leave-nothing-running.ts'],
          // Two cores run the engines too: one file at a time keeps timings honest.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
