import { defineConfig } from 'vitest/config';
import { onEngines } from './test/support/on-engines.ts';

/** What `npm test` runs on Iceberg tables only. */
const ofBothCatalogs = [
  'integration/api/source-version',
  'integration/warming/changed-files',
  'integration/warming/consistency',
  'integration/warming/known-ids',
  'integration/warming/odd-rows',
];
/** Files with rare cases, see test/support/rare.ts, that use one kind of table. */
const withRareCases = [
  'integration/warming/etl-loads',
  'integration/warming/etl-schedulers',
  'integration/warming/hive-loads',
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
