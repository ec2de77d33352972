import type { Kafka } from 'kafkajs';
import type { OffsetRange } from '../../domain/kafka-location.ts';
import { createLazyCluster } from './kafkajs/cluster.ts';
import { readSlice, type RecordSlice } from './read-slice.ts';

export interface RangeReader {
  /**
   * Reads as much of a range as memory should hold, at least one offset. Read the rest with a further call.
   * @throws OffsetsUnavailableError, UndecodableBatchError, errors of kafkajs, and the signal's reason
   */
  read(range: OffsetRange, signal?: AbortSignal): Promise<RecordSlice>;
  /**
   * Starts to read a range that `read` will request next. Keeps at most one slice per partition.
   * @returns what `read` will return; undefined for an empty range
   */
  readAhead(range: OffsetRange): Promise<RecordSlice> | undefined;
  close(): Promise<void>;
}

/** Reads a range slice by slice. */
export async function* readSlices(reader: RangeReader, range: OffsetRange): AsyncGenerator<RecordSlice> {
  for (let { from } = range; from < range.to;) {
    const slice = await reader.read({ ...range, from });
    yield slice;
    from = slice.to;
  }
}

/**
 * Reads exact offset ranges without a consumer group. kafkajs has no `assign`, a group takes seconds to join, and its
 * consumer silently skips expired offsets, where a plain fetch fails with OFFSET_OUT_OF_RANGE
 * (docs/decisions/0006-kafkajs.md).
 */
export function createRangeReader(kafka: Kafka): RangeReader {
  const cluster = createLazyCluster(kafka);
  const readAheads = new Map<string, { range: OffsetRange; slice: Promise<RecordSlice> }>();
  const keyOf = ({ topic, partition }: OffsetRange) => `${topic}/${partition}`;

  return {
    async read(range, signal) {
      const ahead = readAheads.get(keyOf(range));
      readAheads.delete(keyOf(range));
      if (ahead?.range.from !== range.from || ahead.range.to < range.to)
        return readSlice(cluster, range, signal);
      try {
        return truncate(await ahead.slice, range.to);
      } catch {
        return readSlice(cluster, range, signal);
      }
    },
    readAhead(range) {
      if (range.to <= range.from) return undefined;
      const slice = readSlice(cluster, range);
      slice.catch(() => {}); // `read` tries again and throws
      readAheads.set(keyOf(range), { range, slice });
      return slice;
    },
    close: () => cluster.close(),
  };
}

const truncate = ({ records, to }: RecordSlice, end: number): RecordSlice =>
  to <= end ? { records, to } : { records: records.filter(({ offset }) => offset < end), to: end };
