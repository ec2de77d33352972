import pLimit from 'p-limit';
import type { LoopSettings, UnstartedPartition } from '../../contract/scoring-loop.ts';
import {
  NO_TOTALS,
  parseCommittedMetadata,
  type PartitionTotals,
} from '../../domain/scoring/committed-metadata.ts';
import { planStart } from '../../domain/scoring/find-position.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { commitMove, fencePartition, type FencePartitionDeps } from './fence-partition.ts';
import { reasonOf } from './slice.ts';

/** What the environment of a worker says about the loops. */
export interface LoopDefaults {
  readonly group: string;
  readonly settings: Partial<LoopSettings>;
}

export interface StartPartitionsArgs {
  readonly topic: string;
  /** Null: the group of this worker. */
  readonly group: string | null;
  /** Only its partitions are started. The loop of another shard may know positions that Kafka has forgotten. */
  readonly shard: number;
  /** Partitions whose position the loop knows. They are not started again when Kafka has lost their offset. */
  readonly known: readonly number[];
}

/** The partitions of a shard that have a position. */
export interface StartedPartitions {
  readonly defaults: LoopDefaults;
  /** By partition number. Missing are those that the loop knows, and whose offset Kafka has lost, and those that could not be started. */
  readonly positions: Readonly<Record<string, { readonly offset: number; readonly totals: PartitionTotals }>>;
  /** Partitions that could not be started. */
  readonly unstarted?: readonly UnstartedPartition[];
  /** Partitions of the topic, with those of other shards. */
  readonly partitionCount: number;
}

/** A fence is a few connections and round trips. */
const PARTITIONS_AT_ONCE = 16;

/**
 * Finds the partitions of a shard, and commits the first offset of those without one. A topic that the group never read starts at
 * its end; `planStart` says where other partitions start. It is committed before any batch, since records that arrive before the
 * first batch would be lost otherwise. A partition that cannot be started does not stop the others.
 * @throws the reason when no partition has a position, and one could not be started
 */
export function createStartPartitions(deps: FencePartitionDeps & { readonly loopDefaults: LoopDefaults }) {
  const limit = pLimit(PARTITIONS_AT_ONCE);

  return async function startPartitions(args: StartPartitionsArgs): Promise<StartedPartitions> {
    const { topic, shard, known } = args;
    const { loopDefaults: defaults, offsets } = deps;
    const group = args.group ?? defaults.group;
    const { partitions, ...identity } = await offsets.read(group, topic);
    const inKafka = partitions.map((one) => ({ ...one, metadata: parseCommittedMetadata(one.metadata) }));
    const own = inKafka.filter(({ partition }) => shardOf(partition) === shard);
    const knowsNone = known.length === 0;
    const plan = planStart(inKafka, own, { identity, knowsNone, nowMs: Date.now() });
    const starts = new Map<number, number>();
    const start = async (partition: number) => {
      const place = plan.placeOf(partition);
      // Only of these: the leader of another partition may be down.
      const offset =
        typeof place === 'string'
          ? (await offsets.ends(topic, partition))[place]
          : await offsets.at(topic, partition, place.atMs);
      await fencePartition(deps, { group, topic, partition }, async (fenced) => {
        const to = { offset, newestEventMs: null, totals: NO_TOTALS };
        const move = { from: null, to, started: plan.started };
        // Another attempt may have started it in the meantime.
        if (fenced.committed === null) await commitMove(fenced, identity, move);
        starts.set(partition, fenced.committed ?? offset);
      });
    };
    const failures: { readonly partition: number; readonly error: unknown }[] = [];
    await Promise.all(
      own
        .filter(({ partition, committed }) => committed === null && !known.includes(partition))
        .map(({ partition }) =>
          limit(() => start(partition)).catch((error: unknown) => failures.push({ partition, error })),
        ),
    );
    const positions = own.flatMap(({ partition, committed, metadata }) => {
      const offset = committed ?? starts.get(partition);
      return offset === undefined
        ? []
        : [[partition, { offset, totals: metadata?.totals ?? NO_TOTALS }] as const];
    });
    const [failed] = failures;
    if (failed !== undefined && positions.length === 0) throw failed.error;
    return {
      defaults,
      positions: Object.fromEntries(positions),
      unstarted: failures.map(({ partition, error }) => ({ partition, reason: reasonOf(error) })),
      partitionCount: partitions.length,
    };
  };
}
