import type { BatchResult } from '../../../../activities/scoring/micro-batch.ts';
import type { SliceArgs } from '../../../../activities/scoring/slice.ts';
import type { ScorePartitionDeps } from '../../../../activities/scoring/score-partition.ts';
import type { Offsets } from '../../../../clients/kafka/offsets.ts';
import type { RecordReader } from '../../../../clients/kafka/record-reader.ts';
import type { FencedProducer } from '../../../../clients/kafka/transactions.ts';
import type { PartitionState } from '../../../../contract/scoring-loop.ts';
import { NO_TOTALS } from '../../../../domain/scoring/committed-metadata.ts';
import { newPartition } from '../../../../workflows/scoring/loop-memory.ts';

export const MAX_OFFSETS = 1000;
/** Where the loop and Kafka say that the partition is. */
export const POSITION = 5000;

/** A partition in Kafka, as far as a slice needs it. */
export function dependencies(
  reader: Partial<RecordReader>,
  producer: Partial<FencedProducer> = {},
  offsets: Partial<Offsets> = {},
) {
  return {
    worker: 'w',
    transactions: {
      open: () => Promise.resolve({ fencedAtMs: 0, close: () => Promise.resolve(), ...producer }),
    },
    offsets: {
      committed: () => Promise.resolve({ offset: POSITION, metadata: null }),
      topic: () => Promise.resolve({ clusterId: 'c', topicId: 't', partitionCount: 1 }),
      ...offsets,
    },
    reader,
  } as unknown as ScorePartitionDeps;
}

export const sliceArgs = (
  trigger: SliceArgs['settings']['trigger'],
  sliceMs: number,
  state: Partial<PartitionState> = {},
): SliceArgs => ({
  ...{ topic: 't', partition: 0, kind: 'profiles', group: 'g', partitionCount: 1, sliceMs },
  settings: { maxOffsets: MAX_OFFSETS, trigger, lateEvents: 'score' },
  state: { ...newPartition(0, POSITION, NO_TOTALS), ...state },
});

/** The result for a batch without events. */
export const NOTHING: BatchResult = {
  ...{ scored: [], deadLetters: [], superseded: [], dropped: [], late: 0 },
  ...{ cutAt: null, newestEventMs: null, modelVersion: null },
  write: () => Promise.resolve({ outdated: 0, scores: [] }),
};

export const noWork = () => Promise.reject(new Error('unreachable: nothing is read'));
