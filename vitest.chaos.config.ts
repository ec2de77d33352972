import { defineConfig } from 'vitest/config';
import { onEngines } from './test/support/on-engines.ts';

/** The long proofs (npm run test:chaos), which take minutes. */
export default defineConfig({
  test: {
    pool: 'forks',
    // They kill and restart engines, and use both cores.
    fileParallelism: false,
    projects: [
      {
        extends: true,
        test: {
          // Tests that break engines and workers on purpose. Each file starts its own engines.
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          setupFiles: ['test/support/quiet-temporal.ts'],
          testTimeout: 30 * 60_000,
          hookTimeout: 15 * 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...onEngines,
          // What `npm test` runs on Iceberg tables only.
          name: 'hive',
          include: ['test/integration/warming/{changed-files,known-ids}.test.ts'],
          provide: { catalog: 'hive' },
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
