import { kafkaErrorType } from '../../clients/kafka/client.ts';
import type { LogEnds } from '../../clients/kafka/read-errors.ts';
import type { PartitionState } from '../../contract/scoring-loop.ts';
import type { TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import type { findPosition, Position } from '../../domain/scoring/find-position.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import type { PreparedBatch } from './micro-batch.ts';
import type { SliceArgs, SliceReport } from './slice.ts';

/** A partition that fails for this long is stuck: its slice ends, so that the loop can show it. */
const STUCK_AFTER_MS = 10_000;
/** A transaction of another producer that is open for less than this is ordinary. */
const BLOCKED_AFTER_MS = 2000;

/** Follows a slice: what it does, and what it reports in the end. */
export type SliceProgress = ReturnType<typeof createSliceProgress>;

export function createSliceProgress({ state: before, partitionCount: known }: SliceArgs, worker: string) {
  const startedAt = performance.now();
  let doing = 'fencing older attempts';
  let records = 0;
  let partitionCount = known;
  let lastAppendMs: number | null = null;
  let newestEventMs: number | null = null;
  let state: PartitionState = { ...before, worker, lastBatch: startedByNow(before.lastBatch) };
  const change = (fields: Partial<PartitionState>) => {
    state = { ...state, ...fields };
  };
  const moveTo = ({ offset, totals }: Position) => change({ position: offset, totals });

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
    /** The partition works: its batch is committed, or the wait for data has ended. Notes how far the log goes beyond the position. */
    sees({ lastStable, high }: LogEnds): void {
      const isBlocked = state.position >= lastStable && high > lastStable;
      change({
        stuck: null,
        lag: { ...state.lag, offsets: Math.max(0, lastStable - state.position) },
        blocked: isBlocked
          ? { sinceMs: state.blocked?.sinceMs ?? Date.now(), offsets: high - state.position }
          : null,
      });
    },
    committed(batch: PreparedBatch, position: Position): void {
      const { range, startedAtMs } = batch;
      moveTo(position);
      records += batch.records.length;
      lastAppendMs = batch.records.at(-1)?.timestampMs ?? lastAppendMs;
      newestEventMs = position.newestEventMs;
      const durationMs = Date.now() - startedAtMs;
      change({ lastBatch: { startedAtMs, offsets: range.to - range.from, durationMs } });
      this.sees(batch.log);
    },
    /** @returns the number of failures in a row */
    failed(error: unknown): number {
      const sinceMs = state.stuck?.sinceMs ?? Date.now();
      const attempts = (state.stuck?.attempts ?? 0) + 1;
      change({ stuck: { sinceMs, attempts, reason: reasonOf(error) } });
      return attempts;
    },
    /** @returns whether the topic has more partitions than the loop knows */
    seesPartitions(count: number): boolean {
      if (count > 0) partitionCount = count;
      return partitionCount > known;
    },
    /** Whether the topic was created again without this partition. */
    isGone: (): boolean => before.partition >= partitionCount && isStuckForLong(state.stuck),
    /** Whether the loop should know now that the partition is stuck, or that it works again. */
    isNews(): boolean {
      if (before.stuck !== null) return state.stuck === null;
      return isStuckForLong(state.stuck);
    },
    /** Offsets between the position and the end of the log, as far as is known. */
    lag: (): number => state.lag.offsets,
    lastStartMs: (): number => state.lastBatch?.startedAtMs ?? 0,
    report: (): SliceReport => ({
      state: {
        ...state,
        lag: lagOf(state.lag.offsets, newestEventMs, lastAppendMs),
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

const isStuckForLong = (stuck: PartitionState['stuck']): boolean =>
  stuck !== null && Date.now() - stuck.sinceMs > STUCK_AFTER_MS;

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
