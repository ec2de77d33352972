import { setTimeout as sleep } from 'node:timers/promises';
import { OffsetOutOfRangeError } from '../../clients/kafka/read-errors.ts';
import type { ReadAhead, RecordReader } from '../../clients/kafka/record-reader.ts';
import { isSameTopic, type TopicIdentity } from '../../domain/scoring/committed-metadata.ts';
import { findPosition, type Position, skipExpired } from '../../domain/scoring/find-position.ts';
import { outcomesIn } from '../../domain/scoring/keep-newest.ts';
import type { Phases } from '../../domain/scoring/output-record.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import {
  commitMove,
  type FencedPartition,
  fencePartition,
  type FencePartitionDeps,
} from './fence-partition.ts';
import { type BatchResult, commitBatch, type MicroBatch, type PreparedBatch, timed } from './micro-batch.ts';
import type { SliceArgs, SliceProgress, SliceTime } from './slice.ts';

/** A topic that was deleted and created again is noticed within this time. So is a backlog while the next tick is distant. */
const CHECK_TOPIC_MS = 5000;
/** Ends a wait for records after one poll. */
const ONE_POLL = AbortSignal.abort();

export interface WorkPartitionDeps extends FencePartitionDeps {
  readonly reader: RecordReader;
}

type WorkOn = Readonly<Record<EventKind, (batch: MicroBatch) => Promise<BatchResult>>>;

/** The work of one attempt at a slice. */
interface Work extends WorkPartitionDeps {
  readonly workOn: WorkOn;
  readonly args: SliceArgs;
  readonly progress: SliceProgress;
  readonly time: SliceTime;
  readonly fenced: FencedPartition;
  readonly identity: TopicIdentity;
}

/**
 * Works a partition until its slice ends: fence → position → micro-batch after micro-batch. While one is committed, the next is read
 * and scored, so that the model stays busy.
 */
export const createWorkPartition = (deps: WorkPartitionDeps, workOn: WorkOn) =>
  async function workPartition(args: SliceArgs, progress: SliceProgress, time: SliceTime): Promise<void> {
    progress.setStep('fencing older attempts');
    await fencePartition(deps, args, async (fenced) => {
      const { partitionCount, ...identity } = await deps.offsets.topic(args.topic);
      progress.notePartitions(partitionCount);
      const found = findPosition(args.state, { ...fenced, identity });
      progress.noteStart(found, identity);
      // Now, not with the next batch: a quiet partition has none, and only Kafka's offset outlives the loop.
      if (found.offset !== fenced.committed)
        await commitMove(fenced, identity, { from: fenced.committed, to: found });
      await workBatches({ ...deps, workOn, args, progress, time, fenced, identity }, found);
    });
  };

async function workBatches(work: Work, found: Position): Promise<void> {
  const { reader, args, progress, time, fenced, identity } = work;
  let position = found;
  let ahead: Promise<PreparedBatch | undefined> | undefined;
  let checkedAt = Date.now();
  let grown = false;
  const mustEnd = () => grown || time.ending.aborted || progress.mustReport();
  // A batch that is being scored when the slice ends is committed as far as it is scored.
  while (ahead !== undefined || !mustEnd()) {
    if (Date.now() - checkedAt >= CHECK_TOPIC_MS) {
      grown = await hasGrown(work);
      checkedAt = Date.now();
      continue;
    }
    try {
      if (ahead === undefined && msUntilTick(work) > 0) {
        await waitForTick(work, position);
        continue;
      }
      const batch = await (ahead ?? prepare(work, position));
      ahead = undefined;
      if (batch === undefined) {
        if (time.ending.aborted) return;
        progress.setStep('waiting for data');
        const { offset } = position;
        progress.noteLogEnds(await reader.waitForRecords({ ...args, offset }, time.ending));
        progress.clearStuck();
        continue;
      }
      const { range, log, result } = batch;
      if (!mustEnd() && log.lastStable > range.to) {
        const after = { ...position, offset: range.to, newestEventMs: result.newestEventMs };
        ahead = prepare(work, after, batch.readAhead);
        ahead.catch(() => {}); // awaited in the next turn
      }
      progress.setStep(`committing [${range.from}, ${range.to})`);
      position = await commitBatch(fenced, identity, position, batch);
      progress.noteCommit(batch, position);
    } catch (error) {
      ahead = undefined;
      position = await skipToLogStart(work, position, error);
      progress.moveTo(position);
    }
  }
}

/**
 * Reads the next records of a partition and works on them.
 * @param readAhead records that were read with the batch before
 * @returns undefined when there are no records yet, or the time was up before one was scored
 */
async function prepare(
  { reader, workOn, args, progress, time, fenced }: Work,
  { offset: from, newestEventMs }: Position,
  readAhead: ReadAhead | null = null,
): Promise<PreparedBatch | undefined> {
  progress.setStep('reading and scoring');
  const startedAtMs = Date.now();
  const phases: Phases = {};
  const { topic, partition, kind, settings } = args;
  const { over: signal, cut: timeUp } = time;
  const read = await timed(phases, 'read', () =>
    reader.read({ topic, partition, offset: from }, settings.maxOffsets, { signal, ahead: readAhead }),
  );
  progress.noteLogEnds(read.log); // before the work, which may fail for a long time
  if (read.to === from) return undefined;
  const input = { topic, partition, fenced_at_ms: fenced.producer.fencedAtMs };
  const lateness = { newestEventMs, lateEvents: settings.lateEvents, nowMs: Date.now() };
  const batch = { input, records: read.records, lateness, signal, timeUp, phases };
  const result = await workOn[kind](batch);
  const to = result.cutAt ?? read.to;
  if (to === from) return undefined;
  const range = { topic, partition, from, to };
  return {
    range,
    records: read.records.filter(({ offset }) => offset < to),
    result: {
      ...result,
      // The newer event of a superseded one may be after a cut. Then it is in the next batch, and gets its outcome there.
      ...outcomesIn(range, result),
      // The newest event may be after a cut too, so a cut does not move it yet.
      newestEventMs: result.cutAt === null ? result.newestEventMs : newestEventMs,
    },
    log: read.log,
    readAhead: read.ahead,
    startedAtMs,
    phases,
  };
}

/**
 * Whether the topic has more partitions than the loop knows.
 * @throws Error when the topic is another one now: the position must be found again
 */
async function hasGrown({ offsets, args, identity, progress }: Work): Promise<boolean> {
  const topic = await offsets.topic(args.topic);
  if (!isSameTopic(topic, identity))
    throw new Error(`${args.topic} was created again, or is in another cluster`);
  return progress.notePartitions(topic.partitionCount);
}

/** The next batch is due the trigger after the start of the last one, or now when more is known to wait than it can hold. */
function msUntilTick({ args, progress }: Work): number {
  const { trigger, maxOffsets } = args.settings;
  const { lag, lastBatch } = progress.state();
  if (trigger === 'available' || lag.offsets >= maxOffsets) return 0;
  return (lastBatch?.startedAtMs ?? 0) + trigger * 1000 - Date.now();
}

/** Waits until the next batch is due, or for some seconds. Then it looks how much waits. */
async function waitForTick(work: Work, { offset }: Position): Promise<void> {
  const { reader, args, progress, time } = work;
  progress.clearStuck(); // Kafka answers, and no batch is overdue
  if (progress.mustReport()) return;
  progress.setStep('waiting for the next tick');
  const waitMs = msUntilTick(work);
  await sleep(Math.min(waitMs, CHECK_TOPIC_MS), undefined, { signal: time.ending }).catch(() => {});
  if (waitMs > CHECK_TOPIC_MS && !time.ending.aborted)
    progress.noteLogEnds(await reader.waitForRecords({ ...args, offset }, ONE_POLL));
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
