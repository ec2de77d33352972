import type { PartitionOffset, RecordLocation } from '../../domain/kafka-location.ts';
import type { PrintedRecord } from '../support/read-topics.ts';

/** A record of the input topic, read without our parsers. */
export interface InputEvent extends PartitionOffset {
  /** The KOL or video; null for a record that must become a dead letter. */
  readonly id: string | null;
  readonly eventTimeMs: number;
}

/** Input and outputs of a run, as a read-committed reader sees them. */
export interface ObservedRun {
  readonly topic: string;
  readonly input: readonly InputEvent[];
  readonly ledger: readonly PrintedRecord[];
  /** Null for videos: their only output is in Redis. */
  readonly scores: readonly PrintedRecord[] | null;
  readonly deadLetters: readonly PrintedRecord[];
  /** The source event of the value in Redis, by KOL or video. */
  readonly cached: ReadonlyMap<string, RecordLocation | null>;
}

export type OutcomeKind = 'scored' | 'dead_letters' | 'superseded' | 'dropped';
export const OUTCOME_KINDS: readonly OutcomeKind[] = ['scored', 'dead_letters', 'superseded', 'dropped'];

/** `partition/offset` as a map key. */
export const locationKey = ({ partition, offset }: PartitionOffset): string => `${partition}/${offset}`;

/** Whether `a` is newer than `b`, of two events of one KOL or video: later event time, then higher offset. */
export const isNewer = (a: InputEvent, b: InputEvent): boolean =>
  a.eventTimeMs === b.eventTimeMs ? a.offset > b.offset : a.eventTimeMs > b.eventTimeMs;
