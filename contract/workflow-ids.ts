import type { WarmPart } from '../domain/warming/warm-parts.ts';

/** Task queues: apart, so that a burst of one kind of work does not take the slots of the other. */
export const WARM_TASK_QUEUE = 'kol-warm';
export const SCORING_TASK_QUEUE = 'kol-scoring';
export const TASK_QUEUES = [WARM_TASK_QUEUE, SCORING_TASK_QUEUE] as const;

/** The schedule that warms every 15 minutes, and the prefix of the runs it starts. */
export const WARM_SCHEDULE_ID = 'warm-cache';
export const SCHEDULED_WARM_ID = 'warm-cache-scheduled';
/** Every worker asks for it at its start; the ones that come while it runs join it. */
export const STARTUP_WARM_ID = 'warm-cache-startup';
/** Receives ETL signals. */
export const ETL_LOADS_ID = 'etl-loads';

export const manualWarmId = (unique: string): string => `warm-cache-manual-${unique}`;
/** A warm after ETL loads: the receiver's run, and which of its warms it is. */
export const etlWarmId = (runId: string, round: number): string =>
  `warm-cache-${ETL_LOADS_ID}-${runId.slice(0, 8)}-${round}`;
/** Whether an id may be that of a warm: all of them begin alike. */
export const isWarmId = (id: string): boolean => id.startsWith('warm-cache');
/** The one workflow through which every warm of a part goes. */
export const partWarmerId = (part: WarmPart): string => `part-warmer/${part}`;
export const scoringLoopId = (topic: string): string => `scoring-loop/${topic}`;

/** Search attributes, to be registered in the namespace (docs/deployment.md). */
export const SEARCH_ATTRIBUTES = {
  KolWarmTrigger: 'KEYWORD',
  KolWarmParts: 'KEYWORD_LIST',
  KolWarmRequestedBy: 'KEYWORD',
  KolTopic: 'KEYWORD',
  KolLoopState: 'KEYWORD',
} as const;
