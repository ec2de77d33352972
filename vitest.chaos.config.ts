import { defineConfig } from 'vitest/config';
import { onEngines } from './test/support/on-engines.ts';

/** What `npm test` runs on Iceberg tables only. */
const ofBothCatalogs = [
  'integration/api/source-version',
  'integration/warming/changed-files',
  'integration/warming/known-ids',
];
/** Files with rare cases, see test/support/rare.ts. */
const withRareCases = [
  'integration/warming/consistency',
  'integration/warming/hive-loads',
  'integration/warming/odd-rows',
  'integration/warming/unreadable-columns',
  'replay/signal-burst',
];

const onCatalog = (catalog: 'iceberg' | 'hive', groupOrder: number, files: readonly string[]) => ({
  extends: true as const,
  test: {
    ...onEngines,
    name: catalog,
    include: files.map((name) => `test/${name}.test.ts`),
    provide: { catalog, runsRareCases: true },
    sequence: { groupOrder },
  },
});

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
      onCatalog('iceberg', 1, [...ofBothCatalogs, ...withRareCases]),
      onCatalog('hive', 2, ofBothCatalogs),
    ],
  },
});
