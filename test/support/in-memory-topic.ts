import { Context } from '@temporalio/activity';
import type { ScoringActivities } from '../../activities/index.ts';
import type { SliceArgs } from '../../activities/scoring/slice.ts';
import type { SendShardUpdateArgs } from '../../activities/scoring/send-shard-update.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { addTotals, NO_TOTALS } from '../../domain/scoring/committed-metadata.ts';

/** A topic whose offsets exist in memory only, and the scoring activities over it. */
export interface InMemoryTopic {
  /** Committed offset of each partition. */
  readonly committed: number[];
  /** Offsets that each partition holds. A test may raise it. */
  offsets: number;
  /** Partitions that the topic has now. A test may change it. */
  partitionCount: number;
  /** Arguments of every slice so far. */
  readonly slices: SliceArgs[];
  /** Partitions that are being worked. */
  readonly running: Set<number>;
  /** Reason for which a partition is stuck. */
  readonly stuck: Map<number, string>;
  /** Updates that the first loop has sent to others. */
  readonly steered: SendShardUpdateArgs[];
  readonly activities: ScoringActivities;
}

export function inMemoryTopic(partitions: number, offsets: number): InMemoryTopic {
  const committed = Array.from({ length: partitions }, () => 0);
  const topic: InMemoryTopic = {
    committed,
    offsets,
    partitionCount: partitions,
    slices: [],
    running: new Set(),
    stuck: new Map(),
    steered: [],
    activities: {
      startPartitions: ({ shard, known }) => {
        const numbers = Array.from({ length: topic.partitionCount }, (_, partition) => partition);
        for (const partition of numbers) committed[partition] ??= 0;
        return Promise.resolve({
          defaults: { group: 'from-worker', settings: { maxOffsets: 7 } },
          positions: Object.fromEntries(
            numbers
              .filter((partition) => shardOf(partition) === shard && !known.includes(partition))
              .map((partition) => [partition, { offset: committed[partition] ?? 0, totals: NO_TOTALS }]),
          ),
          partitionCount: topic.partitionCount,
        });
      },
      scorePartition: (args) => workSlice(topic, args),
      seekPartition: ({ partition }) => {
        committed[partition] = 0;
        return Promise.resolve(0);
      },
      sendShardUpdate: (args) => {
        topic.steered.push(args);
        return Promise.resolve('run');
      },
      awaitShardUpdate: () => Promise.resolve(),
    },
  };
  return topic;
}

/** Commits everything, then waits until it is cancelled or its time is up, like a real slice. */
async function workSlice(topic: InMemoryTopic, args: SliceArgs) {
  const context = Context.current();
  const { partition } = args;
  const deadline = Date.now() + args.sliceMs;
  if (topic.running.has(partition)) throw new Error(`partition ${partition} has two slices`);
  topic.slices.push(args);
  topic.running.add(partition);
  let { state } = args;
  try {
    while (Date.now() < deadline && !context.cancellationSignal.aborted) {
      const isGone = partition >= topic.partitionCount;
      const reason = isGone ? 'there is no such partition' : topic.stuck.get(partition);
      if (reason !== undefined) {
        state = { ...state, stuck: { sinceMs: 0, lastMs: 60_000, reason, attempts: 3 } };
        if (args.state.stuck === null) break;
      } else {
        const records = topic.offsets - (topic.committed[partition] ?? 0);
        topic.committed[partition] = topic.offsets;
        const totals = addTotals(state.totals, { records, scored: records });
        state = { ...state, position: topic.offsets, totals, stuck: null, worker: 'in memory' };
        if (args.state.stuck !== null) break;
      }
      if (topic.partitionCount > args.partitionCount) break;
      context.heartbeat(); // its reply reports a cancellation
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { state, partitionCount: topic.partitionCount };
  } finally {
    topic.running.delete(partition);
  }
}
