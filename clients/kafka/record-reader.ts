import { setTimeout as sleep } from 'node:timers/promises';
import DataLoader from 'dataloader';
import type { Kafka } from 'kafkajs';
import type { OffsetRange, RecordLocation } from '../../domain/kafka-location.ts';
import { createLazyCluster, type Cluster, type LazyCluster } from './kafkajs/cluster.ts';
import { pollPartitions, type PolledPartition } from './kafkajs/fetch.ts';
import { findLeader } from './kafkajs/topic-metadata.ts';
import { OffsetOutOfRangeError, RecordsUnavailableError, type LogEnds } from './read-errors.ts';
import { isStaleMetadata, readRecords, type ReadOptions, type RecordSlice } from './read-records.ts';

export interface RecordReader {
  /**
   * Reads the committed records that are there now, at most `maxOffsets` offsets and what memory should hold.
   * @throws OffsetOutOfRangeError, UndecodableBatchError, RecordsUnavailableError, errors of kafkajs, and the signal's reason
   */
  read(from: RecordLocation, maxOffsets: number, options?: ReadOptions): Promise<RecordSlice>;
  /**
   * Waits until the partition has a committed record at or after the offset, at most about a second.
   * @throws OffsetOutOfRangeError, RecordsUnavailableError, errors of kafkajs
   */
  waitForRecords(from: RecordLocation, signal: AbortSignal): Promise<LogEnds>;
  close(): Promise<void>;
}

/** Reads all records of a range that the log has. */
export async function* readRange(reader: RecordReader, range: OffsetRange): AsyncGenerator<RecordSlice> {
  let ahead: RecordSlice['ahead'] = null;
  for (let offset = range.from; offset < range.to;) {
    const slice: RecordSlice = await reader.read({ ...range, offset }, range.to - offset, { ahead });
    if (slice.to === offset) return;
    yield slice;
    ({ to: offset, ahead } = slice);
  }
}

/** A broker answers an empty poll after this time. A partition that begins to wait meanwhile joins the next poll. */
const POLL_MS = 50;
const WAIT_MS = 1000;

/**
 * Reads partitions without a consumer group. kafkajs has no `assign`, a group takes seconds to join, and its consumer silently
 * skips expired offsets, where a plain fetch fails with OFFSET_OUT_OF_RANGE (docs/decisions/0006-kafkajs.md).
 */
export function createRecordReader(kafka: Kafka): RecordReader {
  const reading = createLazyCluster(kafka);
  // A connection answers its requests one after the other, so a poll would delay the reads behind it.
  const waiting = createLazyCluster(kafka);
  const poll = createPolls(waiting);

  return {
    read: (from, maxOffsets, options) => readRecords(reading, from, maxOffsets, options),
    async waitForRecords(from, signal) {
      for (const deadline = Date.now() + WAIT_MS; ;) {
        const cluster = await waiting.connected();
        const state = await poll(cluster, from);
        const { error } = state;
        if (error === 'OFFSET_OUT_OF_RANGE') throw new OffsetOutOfRangeError(from, state);
        const isOver = signal.aborted || Date.now() > deadline;
        if (error === null && (isOver || state.lastStable > from.offset)) return state;
        if (error !== null && (isOver || !isStaleMetadata(error)))
          throw new RecordsUnavailableError(from, error);
        if (error !== null) await sleep(POLL_MS);
      }
    },
    async close() {
      await Promise.allSettled([reading.close(), waiting.close()]);
    },
  };
}

/** Polls for all partitions that wait at the same broker with one request, one request after the other. */
function createPolls(lazyCluster: LazyCluster) {
  const polls = new Map<string, DataLoader<RecordLocation, PolledPartition>>();
  const pollsOf = (nodeId: string) => {
    let running: Promise<unknown> = Promise.resolve();
    return new DataLoader<RecordLocation, PolledPartition>(
      async (locations) => {
        const answers = lazyCluster
          .connected()
          .then((cluster) => pollPartitions(cluster, nodeId, locations, POLL_MS));
        running = answers.catch(() => {});
        return answers;
      },
      { cache: false, batchScheduleFn: (send) => void running.then(() => setImmediate(send)) },
    );
  };
  return async (cluster: Cluster, location: RecordLocation): Promise<PolledPartition> => {
    const nodeId = await findLeader(cluster, location.topic, location.partition);
    const poll = polls.get(nodeId) ?? pollsOf(nodeId);
    polls.set(nodeId, poll);
    return poll.load(location);
  };
}
