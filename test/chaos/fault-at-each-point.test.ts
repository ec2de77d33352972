import { PROFILE_FAULTS, testFaultCases } from './fault-matrix.ts';
import type { Point } from './fault-points.ts';
import type { FaultCase } from './run-with-fault.ts';

/** Videos differ from profiles only between the read and the commit. */
const VIDEO_POINTS: readonly Point[] = [
  'after-read',
  'after-features',
  'unseen-cache',
  'after-cache',
  'unseen-end-txn',
];

testFaultCases([
  ...PROFILE_FAULTS,
  ...VIDEO_POINTS.flatMap((point): FaultCase[] => [
    { kind: 'videos', point, action: 'kill' },
    { kind: 'videos', point, action: 'cut' },
  ]),
]);
