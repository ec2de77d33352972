/** Settings of the test projects that share engines, which are started once for all files. */
export const onEngines = {
  globalSetup: ['test/support/engines.ts'],
  setupFiles: ['test/support/quiet-temporal.ts', 'test/support/terminate-open-workflows.ts'],
  // No clock decides a test: on two busy cores a test takes several times as long as alone.
  testTimeout: 180_000,
  hookTimeout: 180_000,
};
