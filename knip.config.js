/** Programs: what `npm run` scripts, Compose files and other programs start. */
const PROGRAMS = [
  'api/server.ts',
  'cli/{dlq,etl,warm}.ts',
  'workers/{bundle-workflows,health,main}.ts',
  'workflows/{index,payload-converter}.ts',
  'simulators/*/main.ts',
  'engines/{reset,start}.ts',
  'bench/{hot-profiles,reads,scoring,warming}.ts',
  'bench/reads/baseline-server.ts',
  'bench/warming/baselines.ts',
  'deploy/check-http.mjs',
];
/** Parts of the engines that only tests start. */
const TEST_ENGINES = 'engines/definitions/time-skipping-server.ts';

/**
 * Finds unused files, exports, types and dependencies. `npm run check:unused` runs it twice: for the whole repository, and with
 * `--production` for everything except tests, which finds the code that only tests use.
 */
export default ({ production = false }) => ({
  entry: production
    ? [...PROGRAMS, 'engines/install/dependencies.mjs', 'docs/generate/write-docs.ts'].map(
        (path) => `${path}!`,
      )
    : [...PROGRAMS, 'test/**/*.test.ts', 'test/chaos/{hijacker,worker}.ts'],
  project: production
    ? ['**/*.{ts,mjs}!', '!test/**!', `!${TEST_ENGINES}!`]
    : ['**/*.{ts,js,mjs}', '!test/lint-fixtures/**'],
  // A unit test may import what its module also uses itself.
  ignoreExportsUsedInFile: production,
  // The programs run with `node --import tsx`.
  ignoreDependencies: production ? ['tsx'] : [],
  // The load generator of `npm run bench:reads`, which no npm package has.
  ignoreBinaries: ['wrk'],
});
