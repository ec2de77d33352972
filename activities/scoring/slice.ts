import { kafkaErrorType } from '../../clients/kafka/client.ts';
import {
  OffsetOutOfRangeError,
  UndecodableBatchError,
  type LogEnds,
} from '../../clients/kafka/read-errors.ts';
import { isStuck, type LoopSettings, type PartitionState } from '../../contract/scoring-loop.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import type { TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import type { findPosition, Position } from '../../domain/scoring/find-position.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import type { PreparedBatch } from './micro-batch.ts';

/** What a slice needs to know. */
export interface SliceArgs extends TopicPartition {
  readonly kind: EventKind;
  readonly group: string;
  readonly settings: Omit<LoopSettings, 'sliceSeconds'>;
  readonly sliceMs: number;
  /** The partition as the loop knows it. */
  readonly state: PartitionState;
  /** Partitions of the topic, as the loop knows them. When there are more, the slice ends. */
  readonly partitionCount: number;
}

/** What a slice reports to its loop. */
export interface SliceReport {
  readonly state: PartitionState;
  /** Number of partitions of the topic that the slice saw last; if it saw none, the number that the loop knows. */
  readonly partitionCount: number;
}

/** After this time a batch in flight is cut to what the model has scored. */
const CUT_AFTER_MS = 500;
/** Until this time of a slice no batch is cut because the time is up: a short slice could end before each answer of a slow model. */
const FIRST_CUT_MS = 10_000;
/** After the cut, the slice has this long until it reports, whatever still runs. The fence of the next slice ends it. */
const OVER_AFTER_CUT_MS = 5500;

/** The end of a slice. */
export type SliceTime = ReturnType<typeof startSliceTime>;

/** @param stops signals that end the slice earlier */
export function startSliceTime(sliceMs: number, stops: readonly AbortSignal[]) {
  const ending = new AbortController();
  const cut = new AbortController();
  const over = new AbortController();
  const giveUp = () => over.abort(new Error('the slice is over'));
  const timers: NodeJS.Timeout[] = [];
  const end = (cutAfterMs: number) => {
    ending.abort();
    timers.push(
      setTimeout(() => cut.abort(), cutAfterMs),
      setTimeout(giveUp, cutAfterMs + OVER_AFTER_CUT_MS),
    );
  };
  const endNow = () => end(CUT_AFTER_MS);
  timers.push(setTimeout(() => end(Math.max(CUT_AFTER_MS, FIRST_CUT_MS - sliceMs)), sliceMs));
  for (const stop of stops) {
    if (stop.aborted) endNow();
    stop.addEventListener('abort', endNow, { once: true });
  }
  return {
    /** No further batch begins: the time is up, the loop has cancelled the slice, or the worker shuts down. */
    ending: ending.signal,
    /** A batch in flight is cut to what the model has scored. */
    cut: cut.signal,
    /** What still runs is given up. */
    over: over.signal,
    /** Gives up what still runs, and frees the timers. */
    close() {
      timers.forEach(clearTimeout);
      for (const stop of stops) stop.removeEventListener('abort', endNow);
      giveUp();
    },
  };
}

/** A transaction of another producer that is open for less than this is ordinary. */
const BLOCKED_AFTER_MS = 2000;

/** Follows a slice: what it does, and what it reports in the end. */
export type SliceProgress = ReturnType<typeof createSliceProgress>;

export function createSliceProgress({ state: before, partitionCount: known }: SliceArgs, worker: string) {
  const startedAt = performance.now();
  let step = 'starting';
  let records = 0;
  let partitionCount = known;
  let newestEventMs: number | null = null;
  let state: PartitionState = { ...before, worker, lastBatch: startedByNow(before.lastBatch) };
  const change = (fields: Partial<PartitionState>) => {
    state = { ...state, ...fields };
  };
  const moveTo = ({ offset, totals }: Position) => change({ position: offset, totals });
  const clearStuck = () => change({ stuck: null });
  const noteLogEnds = ({ lastStable, high }: LogEnds) => {
    const { position, lag } = state;
    const isBlocked = position >= lastStable && high > lastStable;
    const blocked = { sinceMs: state.blocked?.sinceMs ?? Date.now(), offsets: high - position };
    change({
      lag: { ...lag, offsets: Math.max(0, lastStable - position) },
      blocked: isBlocked ? blocked : null,
    });
  };

  return {
    /** Says in the heartbeats what the slice does now. */
    setStep: (text: string): void => void (step = text),
    heartbeat: () => ({ doing: step, offset: state.position, lag: state.lag.offsets, records }),
    moveTo,
    noteStart(found: ReturnType<typeof findPosition>, identity: TopicIdentity): void {
      const { disagreement: kind } = found;
      moveTo(found);
      newestEventMs = found.newestEventMs;
      change({ identity, ...(kind !== null && { disagreement: { atMs: Date.now(), kind } }) });
    },
    /** Notes how far the log goes beyond the position. */
    noteLogEnds,
    /** The partition works: its batch is committed, or the wait for data has ended. */
    clearStuck,
    noteCommit(batch: PreparedBatch, position: Position): void {
      moveTo(position);
      records += batch.records.length;
      newestEventMs = position.newestEventMs;
      const { range, startedAtMs } = batch;
      const durationMs = Date.now() - startedAtMs;
      const appendedMs = batch.records.at(-1)?.timestampMs ?? state.lastBatch?.appendedMs ?? null;
      change({ lastBatch: { startedAtMs, offsets: range.to - range.from, durationMs, appendedMs } });
      noteLogEnds(batch.log);
      clearStuck();
    },
    /** @returns the number of failures in a row */
    noteFailure(error: unknown): number {
      const lastMs = Date.now();
      const { sinceMs = lastMs, attempts = 0 } = state.stuck ?? {};
      change({ stuck: { sinceMs, lastMs, attempts: attempts + 1, reason: reasonOf(error) } });
      if (error instanceof OffsetOutOfRangeError || error instanceof UndecodableBatchError)
        noteLogEnds(error.log);
      return attempts + 1;
    },
    /** @returns whether the topic has more partitions than the loop knows */
    notePartitions(count: number): boolean {
      if (count > 0) partitionCount = count;
      return partitionCount > known;
    },
    /** Whether the topic was created again without this partition. */
    isGone: (): boolean => before.partition >= partitionCount && isStuck(state),
    /** Whether the loop should know now that the partition is stuck, or that it works again. */
    mustReport: (): boolean => (isStuck(before) ? state.stuck === null : isStuck(state)),
    /** The partition as far as it is known. */
    state: () => state,
    report: (): SliceReport => ({
      state: {
        ...state,
        lag: lagOf(state.lag.offsets, newestEventMs, state.lastBatch?.appendedMs ?? null),
        perSecond: Math.round((records / Math.max(performance.now() - startedAt, 1)) * 1000),
        blocked: isBlockedForLong(state.blocked) ? state.blocked : null,
      },
      partitionCount,
    }),
  };
}

/** The clock of the worker that worked the partition before can be ahead of this one. */
const startedByNow = (batch: PartitionState['lastBatch']): PartitionState['lastBatch'] =>
  batch && { ...batch, startedAtMs: Math.min(batch.startedAtMs, Date.now()) };

function lagOf(offsets: number, eventMs: number | null, appendMs: number | null): PartitionState['lag'] {
  const age = (sinceMs: number | null) =>
    offsets === 0 ? 0 : sinceMs === null ? null : Math.max(0, Math.round((Date.now() - sinceMs) / 1000));
  return { offsets, eventSeconds: age(eventMs), appendSeconds: age(appendMs) };
}

const isBlockedForLong = (blocked: PartitionState['blocked']): boolean =>
  blocked !== null && Date.now() - blocked.sinceMs > BLOCKED_AFTER_MS;

/** Longest reason that travels through Temporal. */
const MAX_REASON = 500;

/** The reason of a failure, as the state of a loop shows it. */
export function reasonOf(error: unknown): string {
  const prefix = isFenced(error) ? 'another attempt or another loop works this partition: ' : '';
  return (prefix + messageOf(error)).slice(0, MAX_REASON);
}

/** Another producer has the transactional id of the partition now. */
export const isFenced = (error: unknown): boolean =>
  ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_TXN_STATE', 'INVALID_PRODUCER_ID_MAPPING'].includes(
    kafkaErrorType(error) ?? '',
  );
