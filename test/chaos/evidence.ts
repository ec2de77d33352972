import type { Score } from '../../domain/entities/score.ts';
import type { PrintedRecord } from '../support/read-topics.ts';

/** An input record as the input topic holds it, read without any of our parsing. */
export interface InputEvent {
  readonly partition: number;
  readonly offset: number;
  /** Null for a record that must become a dead letter. */
  readonly kolId: string | null;
  readonly eventTimeMs: number;
}

/** All that a run left behind, as a read-committed reader finds it. */
export interface Evidence {
  readonly topic: string;
  readonly input: readonly InputEvent[];
  readonly ledger: readonly PrintedRecord[];
  readonly scores: readonly PrintedRecord[];
  readonly deadLetters: readonly PrintedRecord[];
  /** What Redis has, by KOL. */
  readonly cached: ReadonlyMap<string, Score>;
}

export type OutcomeKind = 'scored' | 'dead_letters' | 'late' | 'superseded';
export const OUTCOME_KINDS: readonly OutcomeKind[] = ['scored', 'dead_letters', 'late', 'superseded'];

/** `partition/offset`: names an input offset. */
export const placeOf = ({ partition, offset }: { partition: number; offset: number }): string =>
  `${partition}/${offset}`;

/** Whether `a` is the newer of two events of one KOL: later event time, then higher offset. */
export const isNewer = (a: InputEvent, b: InputEvent): boolean =>
  a.eventTimeMs === b.eventTimeMs ? a.offset > b.offset : a.eventTimeMs > b.eventTimeMs;
