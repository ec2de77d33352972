import { setTimeout as sleep } from 'node:timers/promises';
import { OffsetOutOfRangeError } from '../../clients/kafka/read-errors.ts';
import { isSameTopic } from '../../domain/scoring/committed-metadata.ts';
import { type Position, skipExpired } from '../../domain/scoring/find-position.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import { commitBatch } from './commit-batch.ts';
import { type BatchResult, type MicroBatch, prepareBatch, type PreparedBatch } from './micro-batch.ts';
import { identityOf, openPartition, type OpenPartition } from './open-partition.ts';
import type { SliceProgress } from './slice-progress.ts';
import type { ScorePartitionDeps, SliceArgs, SliceTime } from './slice.ts';

/** A topic that was deleted and created again is noticed within this time. */
const CHECK_TOPIC_MS = 5000;

interface Work {
  readonly args: SliceArgs;
  readonly progress: SliceProgress;
  readonly time: SliceTime;
  readonly partition: OpenPartition;
}

type WorkOn = Readonly<Record<EventKind, (batch: MicroBatch) => Promise<BatchResult>>>;

/**
 * Works a partition until its slice ends: fence → position → micro-batch after micro-batch. While one is committed, the next is read
 * and scored, so that the model stays busy.
 */
export function createWorkPartition(deps: ScorePartitionDeps, workOn: WorkOn) {
  const { reader, worker } = deps;

  return async function workPartition(
    args: SliceArgs,
    progress: SliceProgress,
    time: SliceTime,
  ): Promise<void> {
    const partition = await openPartition(deps, args, args.state);
    progress.opened(partition);
    const work = { args, progress, time, partition };
    try {
      progress.seesPartitions(await reader.partitionCount(args.topic));
      await workOpenPartition(work);
    } finally {
      await partition.producer.close();
    }
  };

  async function workOpenPartition(work: Work): Promise<void> {
    const { args, progress, time, partition } = work;
    let position: Position = partition;
    let ahead: Promise<PreparedBatch | undefined> | undefined;
    let checkedAt = Date.now();
    let grown = false;
    // A batch that is being scored when the slice ends is committed as far as it is scored.
    while (ahead !== undefined || !(time.ending.aborted || progress.isNews())) {
      if (Date.now() - checkedAt > CHECK_TOPIC_MS) {
        grown = await hasGrown(work, deps);
        checkedAt = Date.now();
      }
      if (ahead === undefined) {
        if (grown) return;
        await untilTick(work);
        if (time.ending.aborted) return;
      }
      try {
        const batch = await (ahead ?? prepare(work, position));
        ahead = undefined;
        if (batch === undefined) {
          if (time.ending.aborted) return;
          progress.doing('waiting for data');
          progress.sees(await reader.waitForRecords({ ...args, offset: position.offset }, time.ending));
          continue;
        }
        const hasMore = !grown && batch.log.lastStable > batch.range.to && !time.ending.aborted;
        const after = { ...position, offset: batch.range.to, newestEventMs: batch.result.newestEventMs };
        if (hasMore) {
          ahead = prepare(work, after, batch.readAhead);
          ahead.catch(() => {}); // awaited in the next turn
        }
        progress.doing(`committing [${batch.range.from}, ${batch.range.to})`);
        position = await commitBatch({ ...partition, group: args.group }, position, batch, worker);
        progress.committed(batch, position);
      } catch (error) {
        ahead = undefined;
        position = afterExpired(position, error);
        progress.moveTo(position);
      }
    }
  }

  function prepare(
    { args, progress, time, partition }: Work,
    position: Position,
    readAhead: PreparedBatch['readAhead'] = null,
  ) {
    progress.doing('reading and scoring');
    const { topic, partition: number, kind, settings } = args;
    const input = { topic, partition: number, fenced_at_ms: partition.producer.fencedAtMs };
    const [signal, timeUp] = [time.over, time.cut];
    return prepareBatch(reader, workOn[kind], { input, position, settings, readAhead, signal, timeUp });
  }
}

/**
 * Whether the topic has more partitions than the loop knows.
 * @throws Error when the topic is another one now: the position must be found again
 */
async function hasGrown(
  { args, partition, progress }: Work,
  { offsets, reader }: ScorePartitionDeps,
): Promise<boolean> {
  const identity = await identityOf(offsets, args.topic);
  if (!isSameTopic(identity, partition.identity))
    throw new Error(`${args.topic} was created again, or is in another cluster`);
  return progress.seesPartitions(await reader.partitionCount(args.topic));
}

/** Waits until the next batch is due: the trigger after the start of the last one, or now when more is known to wait than it can hold. */
async function untilTick({ args, progress, time }: Work): Promise<void> {
  const { trigger, maxOffsets } = args.settings;
  if (trigger === 'available' || progress.lag() >= maxOffsets) return;
  const waitMs = progress.lastStartMs() + trigger * 1000 - Date.now();
  if (waitMs <= 0) return;
  progress.doing('waiting for the next tick');
  await sleep(waitMs, undefined, { signal: time.ending }).catch(() => {});
}

/** @throws the error, unless retention has deleted the offsets: then the position moves over them */
function afterExpired(position: Position, error: unknown): Position {
  if (!(error instanceof OffsetOutOfRangeError)) throw error;
  const { location, log } = error;
  if (location.offset !== position.offset || log.logStart <= position.offset) throw error;
  return skipExpired(position, log.logStart);
}
