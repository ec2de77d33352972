import { setTimeout as sleep } from 'node:timers/promises';
import type { Offsets } from '../../clients/kafka/offsets.ts';
import { OffsetOutOfRangeError } from '../../clients/kafka/read-errors.ts';
import type { RecordReader } from '../../clients/kafka/record-reader.ts';
import { isSameTopic, type TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { findPosition, type Position, skipExpired } from '../../domain/scoring/find-position.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import {
  type BatchResult,
  commitBatch,
  type MicroBatch,
  prepareBatch,
  type PreparedBatch,
} from './micro-batch.ts';
import { commitMove, type FencedPartition, fencePartition } from './fence-partition.ts';
import type { SliceProgress } from './slice-progress.ts';
import type { ScorePartitionDeps, SliceArgs, SliceTime } from './slice.ts';

/** A topic that was deleted and created again is noticed within this time. So is a backlog while the next tick is distant. */
const CHECK_TOPIC_MS = 5000;
/** Ends a wait for records after one poll. */
const ONE_POLL = AbortSignal.abort();

interface Work {
  readonly args: SliceArgs;
  readonly progress: SliceProgress;
  readonly time: SliceTime;
  readonly fenced: FencedPartition;
  readonly identity: TopicIdentity;
}

type WorkOn = Readonly<Record<EventKind, (batch: MicroBatch) => Promise<BatchResult>>>;

/**
 * Works a partition until its slice ends: fence → position → micro-batch after micro-batch. While one is committed, the next is read
 * and scored, so that the model stays busy.
 */
export function createWorkPartition(deps: ScorePartitionDeps, workOn: WorkOn) {
  const { offsets, reader } = deps;

  return async function workPartition(
    args: SliceArgs,
    progress: SliceProgress,
    time: SliceTime,
  ): Promise<void> {
    await fencePartition(deps, args, async (fenced) => {
      const { partitionCount, ...identity } = await offsets.topic(args.topic);
      progress.seesPartitions(partitionCount);
      const found = findPosition(args.state, { ...fenced, identity });
      progress.opened(found, identity);
      // Now, not with the next batch: a quiet partition has none, and only Kafka's offset outlives the loop.
      if (found.offset !== fenced.committed)
        await commitMove(fenced, identity, { from: fenced.committed, to: found });
      await workBatches({ args, progress, time, fenced, identity }, found);
    });
  };

  async function workBatches(work: Work, found: Position): Promise<void> {
    const { args, progress, time, fenced, identity } = work;
    let position = found;
    let ahead: Promise<PreparedBatch | undefined> | undefined;
    let checkedAt = Date.now();
    let grown = false;
    const mustEnd = () => grown || time.ending.aborted || progress.isNews();
    // A batch that is being scored when the slice ends is committed as far as it is scored.
    while (ahead !== undefined || !mustEnd()) {
      if (Date.now() - checkedAt >= CHECK_TOPIC_MS) {
        grown = await hasGrown(work, offsets);
        checkedAt = Date.now();
      }
      if (ahead === undefined && mustEnd()) return;
      try {
        if (ahead === undefined && msUntilTick(work) > 0) {
          await waitForTick(work, position, reader);
          continue;
        }
        const batch = await (ahead ?? prepare(work, position));
        ahead = undefined;
        if (batch === undefined) {
          if (time.ending.aborted) return;
          progress.doing('waiting for data');
          progress.sees(await reader.waitForRecords({ ...args, offset: position.offset }, time.ending));
          progress.works();
          continue;
        }
        const { range, log, result } = batch;
        if (!mustEnd() && log.lastStable > range.to) {
          const after = { ...position, offset: range.to, newestEventMs: result.newestEventMs };
          ahead = prepare(work, after, batch.readAhead);
          ahead.catch(() => {}); // awaited in the next turn
        }
        progress.doing(`committing [${range.from}, ${range.to})`);
        position = await commitBatch(fenced, identity, position, batch);
        progress.committed(batch, position);
      } catch (error) {
        ahead = undefined;
        position = await skipToLogStart(work, position, error);
        progress.moveTo(position);
      }
    }
  }

  function prepare(
    { args, progress, time, fenced }: Work,
    position: Position,
    readAhead: PreparedBatch['readAhead'] = null,
  ) {
    progress.doing('reading and scoring');
    const { topic, partition, kind, settings } = args;
    const input = { topic, partition, fenced_at_ms: fenced.producer.fencedAtMs };
    return prepareBatch(reader, workOn[kind], {
      ...{ input, position, settings, readAhead },
      ...{ signal: time.over, timeUp: time.cut, onRead: progress.sees },
    });
  }
}

/**
 * Whether the topic has more partitions than the loop knows.
 * @throws Error when the topic is another one now: the position must be found again
 */
async function hasGrown({ args, identity, progress }: Work, offsets: Offsets): Promise<boolean> {
  const topic = await offsets.topic(args.topic);
  if (!isSameTopic(topic, identity))
    throw new Error(`${args.topic} was created again, or is in another cluster`);
  return progress.seesPartitions(topic.partitionCount);
}

/** The next batch is due the trigger after the start of the last one, or now when more is known to wait than it can hold. */
function msUntilTick({ args, progress }: Work): number {
  const { trigger, maxOffsets } = args.settings;
  if (trigger === 'available' || progress.lag() >= maxOffsets) return 0;
  return progress.lastStartMs() + trigger * 1000 - Date.now();
}

/** Waits until the next batch is due, or for some seconds. Then it looks how much waits. */
async function waitForTick(work: Work, { offset }: Position, reader: RecordReader): Promise<void> {
  const { args, progress, time } = work;
  progress.works(); // Kafka answers, and no batch is overdue
  if (progress.isNews()) return;
  progress.doing('waiting for the next tick');
  const waitMs = msUntilTick(work);
  await sleep(Math.min(waitMs, CHECK_TOPIC_MS), undefined, { signal: time.ending }).catch(() => {});
  if (waitMs > CHECK_TOPIC_MS && !time.ending.aborted)
    progress.sees(await reader.waitForRecords({ ...args, offset }, ONE_POLL));
}

/** Moves over offsets that retention has deleted, and commits that, so that they are counted once. @throws the error, if it is another */
async function skipToLogStart(
  { fenced, identity }: Work,
  position: Position,
  error: unknown,
): Promise<Position> {
  if (!(error instanceof OffsetOutOfRangeError)) throw error;
  const { location, log } = error;
  if (location.offset !== position.offset || log.logStart <= position.offset) throw error;
  const moved = skipExpired(position, log.logStart);
  await commitMove(fenced, identity, { from: position.offset, to: moved });
  return moved;
}
