/** Arguments of an activity that warms all profiles by hand, whether they have changed or not. */
export const FORCED_WARM = {
  trigger: 'manual',
  runId: 'test',
  dryRun: false,
  allProfiles: true,
  force: true,
  allowShrink: false,
} as const;
