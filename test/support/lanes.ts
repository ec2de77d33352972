import type { Addresses } from '../../engines/addresses.ts';

/** Test files that run at the same time. Two leave a third of two cores idle, because tests wait for timeouts and replies. */
export const LANES = 3;

/**
 * What a test file needs for itself while another one runs: all files use the same workflow ids and task queues, and the same keys in
 * Redis.
 */
export type Lane = Pick<Addresses, 'REDIS_URL' | 'TEMPORAL_NAMESPACE'>;
