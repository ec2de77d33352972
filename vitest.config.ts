import { defineConfig } from 'vitest/config';
import { LANES } from './test/support/lanes.ts';
import { onEngines } from './test/support/on-engines.ts';

/** Two projects: unit tests, which need no engine, and tests on the real engines, which are started once for all files. */
export default defineConfig({
  test: {
    // Temporal has one native runtime per process, which runs out of memory with worker threads.
    pool: 'forks',
    maxWorkers: LANES,
    // The test files of a process share its modules: to load them for each file takes longer than many of the tests.
    isolate: false,
    // The number of concurrent tests of a file that run at the same time. They mostly wait.
    maxConcurrency: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // Tests of generated inputs take seconds on a loaded machine, and timing must not decide a test.
          testTimeout: 90_000,
        },
      },
      {
        extends: true,
        test: {
          ...onEngines,
          name: 'engines',
          include: ['test/{workflow,integration,e2e,replay}/**/*.test.ts'],
          provide: { catalog: 'iceberg', runsRareCases: false },
        },
      },
    ],
  },
});
