import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { PartReport, WarmOptions, WarmPart, WarmScope, WarmTrigger } from '../domain/warming/warm-parts.ts';
import type { EtlLoad } from '../domain/warming/etl-load.ts';
import type { EtlLoadsState } from '../workflows/warming/etl-loads.ts';
import type { LoopSettings, LoopState } from './scoring-loop.ts';
import type { WarmProgress } from '../workflows/warming/warm-part.ts';

/** A run of warmCache asks for a warm of one part, and wants to hear how it went. */
export interface WarmRequest extends WarmOptions {
  readonly trigger: WarmTrigger;
  /** Only this share of the part. */
  readonly scope?: WarmScope | undefined;
  /** Workflow to be told, and the run that asked. */
  readonly replyTo: string;
  readonly runId: string;
}
export const warmRequestedSignal = defineSignal<[WarmRequest]>('warmRequested');
/** That run waits no more: it was cancelled. */
export const warmWithdrawnSignal = defineSignal<[runId: string]>('warmWithdrawn');
/** How far the warm of a part is. */
export const warmProgressQuery = defineQuery<WarmProgress>('progress');

/** How the warm went that served a request; every waiter gets the same. */
export type PartOutcome =
  | { readonly part: WarmPart; readonly runId: string; readonly report: PartReport }
  | { readonly part: WarmPart; readonly runId: string; readonly error: string };
export const partWarmedSignal = defineSignal<[PartOutcome]>('partWarmed');

export type { EtlLoad } from '../domain/warming/etl-load.ts';
/** An ETL pipeline loaded tables (docs/etl.md). What is wrong in it is shown by the receiver, and never fails it. */
export const tablesLoadedSignal = defineSignal<[EtlLoad]>('tablesLoaded');
/** What became of the loads. */
export const etlLoadsStateQuery = defineQuery<EtlLoadsState>('state');

/** The scoring loop: what it is doing, and how far it is. */
export const loopStateQuery = defineQuery<LoopState>('state');
export const pauseLoopUpdate = defineUpdate<LoopState, []>('pause');
export const resumeLoopUpdate = defineUpdate<LoopState, []>('resume');
/** Changes settings; what is left out stays. */
export const configureLoopUpdate = defineUpdate<LoopState, [Partial<LoopSettings>]>('configure');
/** Moves the loop to another place in its topic; see docs/scoring.md for what that means for duplicates. */
export const seekLoopUpdate = defineUpdate<LoopState, [SeekTarget]>('seek');

/**
 * Where to: the first offset at or after a time (ISO 8601), or offsets by partition, or an end of the topic.
 * Partitions that are not named stay where they are.
 */
export type SeekTarget =
  | { readonly time: string }
  | { readonly offsets: Readonly<Record<string, number>> }
  | { readonly end: 'earliest' | 'latest' };
