import { inject } from 'vitest';
import type { TestEngines } from './engines.ts';

/** The engines for this test file. Redis and the namespace are its own: another file can run at the same time. */
export function testEngines(): TestEngines {
  const lanes = inject('lanes');
  const lane = lanes[(Number(process.env['VITEST_POOL_ID']) - 1) % lanes.length];
  if (lane === undefined) throw new Error('VITEST_POOL_ID is not set: this is no test');
  return { ...inject('engines'), ...lane };
}
