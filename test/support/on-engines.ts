/** Settings of the test projects that share engines, which are started once for all files. */
export const onEngines = {
  globalSetup: ['test/support/engines.ts'],
  setupFiles: ['test/support/quiet-temporal.ts', 'test/support/terminate-open-workflows.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
};
