import { kafkaErrorType } from '../../clients/kafka/client.ts';
import {
  OffsetOutOfRangeError,
  UndecodableBatchError,
  type LogEnds,
} from '../../clients/kafka/read-errors.ts';
import { isStuck, type PartitionState } from '../../contract/scoring-loop.ts';
import type { TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import type { findPosition, Position } from '../../domain/scoring/find-position.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import type { PreparedBatch } from './micro-batch.ts';
import type { SliceArgs, SliceReport } from './slice.ts';

/** A transaction of another producer that is open for less than this is ordinary. */
const BLOCKED_AFTER_MS = 2000;

/** Follows a slice: what it does, and what it reports in the end. */
export type SliceProgress = ReturnType<typeof createSliceProgress>;

export function createSliceProgress({ state: before, partitionCount: known }: SliceArgs, worker: string) {
  const startedAt = performance.now();
  let doing = 'fencing older attempts';
  let records = 0;
  let partitionCount = known;
  let newestEventMs: number | null = null;
  let state: PartitionState = { ...before, worker, lastBatch: startedByNow(before.lastBatch) };
  const change = (fields: Partial<PartitionState>) => {
    state = { ...state, ...fields };
  };
  const moveTo = ({ offset, totals }: Position) => change({ position: offset, totals });
  const works = () => change({ stuck: null });
  const sees = ({ lastStable, high }: LogEnds) => {
    const isBlocked = state.position >= lastStable && high > lastStable;
    change({
      lag: { ...state.lag, offsets: Math.max(0, lastStable - state.position) },
      blocked: isBlocked
        ? { sinceMs: state.blocked?.sinceMs ?? Date.now(), offsets: high - state.position }
        : null,
    });
  };

  return {
    doing: (text: string): void => void (doing = text),
    heartbeat: () => ({ doing, offset: state.position, lag: state.lag.offsets, records }),
    moveTo,
    opened(found: ReturnType<typeof findPosition>, identity: TopicIdentity): void {
      const { disagreement: kind } = found;
      moveTo(found);
      newestEventMs = found.newestEventMs;
      change({ identity, ...(kind !== null && { disagreement: { atMs: Date.now(), kind } }) });
    },
    /** Notes how far the log goes beyond the position. */
    sees,
    /** The partition works: its batch is committed, or the wait for data has ended. */
    works,
    committed(batch: PreparedBatch, position: Position): void {
      const { range, startedAtMs } = batch;
      moveTo(position);
      records += batch.records.length;
      newestEventMs = position.newestEventMs;
      const durationMs = Date.now() - startedAtMs;
      const appendedMs = batch.records.at(-1)?.timestampMs ?? state.lastBatch?.appendedMs ?? null;
      change({ lastBatch: { startedAtMs, offsets: range.to - range.from, durationMs, appendedMs } });
      sees(batch.log);
      works();
    },
    /** @returns the number of failures in a row */
    failed(error: unknown): number {
      const lastMs = Date.now();
      const { sinceMs = lastMs, attempts = 0 } = state.stuck ?? {};
      change({ stuck: { sinceMs, lastMs, attempts: attempts + 1, reason: reasonOf(error) } });
      if (error instanceof OffsetOutOfRangeError || error instanceof UndecodableBatchError) sees(error.log);
      return attempts + 1;
    },
    /** @returns whether the topic has more partitions than the loop knows */
    seesPartitions(count: number): boolean {
      if (count > 0) partitionCount = count;
      return partitionCount > known;
    },
    /** Whether the topic was created again without this partition. */
    isGone: (): boolean => before.partition >= partitionCount && isStuck(state),
    /** Whether the loop should know now that the partition is stuck, or that it works again. */
    isNews: (): boolean => (isStuck(before) ? state.stuck === null : isStuck(state)),
    /** Offsets between the position and the end of the log, as far as is known. */
    lag: (): number => state.lag.offsets,
    lastStartMs: (): number => state.lastBatch?.startedAtMs ?? 0,
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

function reasonOf(error: unknown): string {
  const text = messageOf(error);
  return (isFenced(error) ? `another attempt or another loop works this partition: ${text}` : text).slice(
    0,
    MAX_REASON,
  );
}

/** Another producer has the transactional id of the partition now. */
export const isFenced = (error: unknown): boolean =>
  ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_TXN_STATE', 'INVALID_PRODUCER_ID_MAPPING'].includes(
    kafkaErrorType(error) ?? '',
  );
