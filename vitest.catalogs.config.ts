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

const { globalSetup, ...settings } = onEngines;

const onCatalog = (catalog: 'iceberg' | 'hive', groupOrder: number, files: readonly string[]) => ({
  test: {
    ...settings,
    name: catalog,
    include: files.map((name) => `test/${name}.test.ts`),
    provide: { catalog, runsRareCases: true },
    pool: 'forks' as const,
    fileParallelism: false,
    sequence: { groupOrder },
  },
});

/** The suites on each kind of table, with the rare cases that `npm test` leaves out (second part of npm run test:chaos). */
export default defineConfig({
  test: {
    // Here and not in the projects, each of which would start engines of its own.
    globalSetup,
    projects: [
      onCatalog('iceberg', 0, [...ofBothCatalogs, ...withRareCases]),
      onCatalog('hive', 1, ofBothCatalogs),
    ],
  },
});
