import type { PrintedRecord } from '../support/read-topics.ts';

/** Where an event lies, by which Redis tells what it was made of. */
export interface Source {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** An input record as the input topic holds it, read without any of our parsing. */
export interface InputEvent {
  readonly partition: number;
  readonly offset: number;
  /** The KOL, or the video; null for a record that must become a dead letter. */
  readonly id: string | null;
  readonly eventTimeMs: number;
}

/** All that a run left behind, as a read-committed reader finds it. */
export interface Evidence {
  readonly topic: string;
  readonly input: readonly InputEvent[];
  readonly ledger: readonly PrintedRecord[];
  /** Null for videos, of which nothing goes on but what Redis has. */
  readonly scores: readonly PrintedRecord[] | null;
  readonly deadLetters: readonly PrintedRecord[];
  /** The event that Redis has, by KOL or video. */
  readonly cached: ReadonlyMap<string, Source | null>;
}

export type OutcomeKind = 'scored' | 'dead_letters' | 'late' | 'superseded';
export const OUTCOME_KINDS: readonly OutcomeKind[] = ['scored', 'dead_letters', 'late', 'superseded'];

/** `partition/offset`: names an input offset. */
export const placeOf = ({ partition, offset }: { partition: number; offset: number }): string =>
  `${partition}/${offset}`;

/** Whether `a` is the newer of two events of one KOL or video: later event time, then higher offset. */
export const isNewer = (a: InputEvent, b: InputEvent): boolean =>
  a.eventTimeMs === b.eventTimeMs ? a.offset > b.offset : a.eventTimeMs > b.eventTimeMs;
