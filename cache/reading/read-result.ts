import type { LocalEntry } from './local-tier.ts';

/** Which step of the read path answered. */
export type ReadOutcome =
  /** The memory of this process had the value (L1). */
  | 'local-hit'
  /** Redis had the value. */
  | 'hit'
  /** The memory of this process had a value whose key has expired in Redis. It is being refreshed. */
  | 'stale'
  /** Redis had no usable value; the source was queried. */
  | 'miss'
  /** The source does not have the value: it was queried a moment ago, or all its ids are known. */
  | 'negative'
  /** Redis did not answer; the source was queried. */
  | 'bypass'
  /** The client did not accept the cached value; the source was queried. */
  | 'refresh';

export interface ReadResult<T> {
  /** Null when the entity does not exist. */
  readonly value: T | null;
  readonly outcome: ReadOutcome;
  /** Seconds until the value expires in Redis, negative for a stale value; undefined if Redis does not hold it. */
  readonly ttlSeconds?: number;
  /** When the value was read from its source, ISO 8601; undefined if unknown. */
  readonly updatedAt?: string | undefined;
  /** The last warm, if it wrote or confirmed this value and its record is known; otherwise undefined. */
  readonly lastWarm?: () => WarmOfValue | undefined;
  /** The shrink check refused the value, because the table lost most of its rows. The answer is neither cached nor remembered. */
  readonly refused?: true;
  /** The value could not be stored, because Redis failed. */
  readonly unstored?: true;
  /** For a local hit: the entry in the memory of this process. */
  readonly entry?: LocalEntry;
  /** Another concurrent read of the same key produced this answer. */
  readonly collapsed: boolean;
}

/** A warm that has read or confirmed a value. */
export interface WarmOfValue {
  /** The versions of the tables from which the value was built; undefined if unknown. */
  readonly versions: string | undefined;
  /** When the warm ran, ISO 8601. */
  readonly warmedAt: string;
}

/** The result that concurrent reads of one key share. */
export type Answer<T> = Omit<ReadResult<T>, 'collapsed'>;

export const NEGATIVE = { value: null, outcome: 'negative' } as const;

/** The answer to a read of a value that Redis has. */
export const foundAnswer = <T>({
  value,
  expiresAt,
  updatedAt,
}: Pick<LocalEntry<T>, 'value' | 'expiresAt' | 'updatedAt'>): Answer<T> => ({
  value,
  outcome: 'hit',
  ttlSeconds: Math.max(0, secondsUntil(expiresAt)),
  updatedAt,
});

/** The answer to a read of a value that the local tier has. */
export const localAnswer = <T>(entry: LocalEntry<T>): Answer<T> => ({
  value: entry.value,
  outcome: 'local-hit',
  ttlSeconds: secondsUntil(entry.expiresAt),
  updatedAt: entry.updatedAt,
  entry,
});

/** @param time in the time of `performance.now()` */
export const secondsUntil = (time: number): number => Math.round((time - performance.now()) / 1000);
