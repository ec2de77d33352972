import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { EtlLoad } from '../domain/warming/etl-load.ts';
import type { EtlRunSelector } from '../domain/warming/load-memory.ts';
import type { EtlLoadsState, EtlRunStatus } from './etl-loads.ts';
import type { PartOutcome, WarmRequest } from './part-warmer.ts';
import type { LoopChange, LoopState, SeekTarget } from './scoring-loop.ts';
import type { WarmProgress } from './warm-cache.ts';

// A client may send something else than these types say: each handler checks what it receives.

/** partWarmer: a run of warmCache requests a warm of the part and receives its outcome. */
export const warmRequestedSignal = defineSignal<[WarmRequest]>('warmRequested');
/** partWarmer: that run was cancelled and no longer waits for an outcome. */
export const warmWithdrawnSignal = defineSignal<[runId: string]>('warmWithdrawn');
/** partWarmer: progress of the warm of the part. */
export const warmProgressQuery = defineQuery<WarmProgress>('progress');
/** warmCache: outcome of the warm of one part. */
export const partWarmedSignal = defineSignal<[PartOutcome]>('partWarmed');

/** etlLoads: an ETL pipeline loaded tables (docs/etl.md). Problems are shown in the state of the receiver and never fail it. */
export const tablesLoadedSignal = defineSignal<[EtlLoad]>('tablesLoaded');
/** etlLoads: state of the loads. */
export const etlLoadsStateQuery = defineQuery<EtlLoadsState>('state');
/** etlLoads: state of the loads of a pipeline run; null if the receiver does not know the run. */
export const etlRunQuery = defineQuery<EtlRunStatus | null, [EtlRunSelector]>('run');

/** scoringLoop: state and progress. */
export const loopStateQuery = defineQuery<LoopState>('state');
/** scoringLoop: waits until the micro-batches in flight are committed. */
export const pauseLoopUpdate = defineUpdate<LoopState, []>('pause');
export const resumeLoopUpdate = defineUpdate<LoopState, []>('resume');
/** scoringLoop: changes settings or the group. Absent fields keep their value. */
export const configureLoopUpdate = defineUpdate<LoopState, [LoopChange]>('configure');
/** scoringLoop: moves the loop to another place in its topic. docs/scoring.md explains the consequences for duplicates. */
export const seekLoopUpdate = defineUpdate<LoopState, [SeekTarget]>('seek');
