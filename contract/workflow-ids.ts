import type { WarmPart } from '../domain/warming/warm-parts.ts';

/** The schedule that warms the cache periodically, and the id prefix of the runs that it starts. */
export const WARM_SCHEDULE_ID = 'warm-cache';
export const SCHEDULED_WARM_ID = 'warm-cache-scheduled';
/** Every worker requests this warm when it starts. Workers that start while it runs join it. */
export const STARTUP_WARM_ID = 'warm-cache-startup';
/** The workflow that receives ETL signals. */
export const ETL_LOADS_ID = 'etl-loads';

export const manualWarmId = (unique: string): string => `warm-cache-manual-${unique}`;
/** A warm after ETL loads, from the run of the receiver and the number of the warm within that run. */
export const etlWarmId = (runId: string, round: number): string =>
  `warm-cache-${ETL_LOADS_ID}-${runId.slice(0, 8)}-${round}`;
/** Whether a workflow id can be the id of a warm: all of them share a prefix. */
export const isWarmId = (id: string): boolean => id.startsWith('warm-cache');
/** The workflow that runs every warm of a part. */
export const partWarmerId = (part: WarmPart): string => `part-warmer/${part}`;
/** The loop of a shard. Shard 0 passes updates on to the other shards. */
export const scoringLoopId = (topic: string, shard = 0): string =>
  shard === 0 ? `scoring-loop/${topic}` : `scoring-loop/${topic}/${shard}`;
