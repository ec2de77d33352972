import type { LocalEntry } from './local-tier.ts';

/** Which step of the read path answered. */
export type ReadOutcome =
  /** The memory of this process had the value (L1). */
  | 'local-hit'
  /** Redis had the value. */
  | 'hit'
  /** Redis had no usable value; the source was queried. */
  | 'miss'
  /** The source did not have the value a moment ago, and was not queried again. */
  | 'negative'
  /** Redis did not answer; the source was queried. */
  | 'bypass'
  /** The client did not accept the cached value; the source was queried. */
  | 'refresh';

export interface ReadResult<T> {
  /** Null when the entity does not exist. */
  readonly value: T | null;
  readonly outcome: ReadOutcome;
  /** Seconds until the value expires in Redis; undefined where Redis does not hold it. */
  readonly ttlSeconds?: number;
  /** When the value was read from its source, ISO 8601; undefined where that is not known. */
  readonly updatedAt?: string;
  /** The value in the memory of this process, of a local hit. */
  readonly entry?: LocalEntry;
  /** Another concurrent read of the same key produced this answer. */
  readonly collapsed: boolean;
}

/** What concurrent reads of one key share. */
export type Answer<T> = Omit<ReadResult<T>, 'collapsed'>;
