import type { Addresses } from '../../engines/addresses.ts';

/** Test files that run at the same time. A third one would save a tenth of the time, but on two cores tests then miss their deadlines. */
export const LANES = 2;

/**
 * What a test file needs for itself while another one runs: all files use the same workflow ids and task queues, and the same keys in
 * Redis.
 */
export type Lane = Pick<Addresses, 'REDIS_URL' | 'TEMPORAL_NAMESPACE'>;
