import pLimit from 'p-limit';
import type { LoopSettings } from '../../contract/scoring-loop.ts';
import { parseCommittedMetadata } from '../../domain/scoring/committed-metadata.ts';
import { startingEnds } from '../../domain/scoring/find-position.ts';
import { NO_TOTALS, type PartitionTotals } from '../../domain/scoring/partition-totals.ts';
import { commitOffset } from './commit-offset.ts';
import type { FencePartitionDeps } from './fence-partition.ts';

/** What the environment of a worker says about the loops. */
export interface LoopDefaults {
  readonly group: string;
  readonly settings: Partial<LoopSettings>;
}

export interface StartPartitionsArgs {
  readonly topic: string;
  /** Null: the group of this worker. */
  readonly group: string | null;
  /** Partitions whose position the loop knows. They are not started again when Kafka has lost their offset. */
  readonly known: readonly number[];
}

/** The partitions of a topic, all of them with a position. */
export interface StartedPartitions {
  readonly defaults: LoopDefaults;
  /** By partition number; those that the loop knows, and whose offset Kafka has lost, are missing. */
  readonly positions: Readonly<Record<string, { readonly offset: number; readonly totals: PartitionTotals }>>;
  readonly partitionCount: number;
}

/** A fence is a few connections and round trips. */
export const PARTITIONS_AT_ONCE = 16;

/**
 * Finds the partitions of a topic, and commits the first offset of those that the group has never read (see `startingEnds`). It is
 * committed before any batch, since records that arrive before the first batch would be lost otherwise.
 */
export function createStartPartitions(deps: FencePartitionDeps & { readonly loopDefaults: LoopDefaults }) {
  const limit = pLimit(PARTITIONS_AT_ONCE);

  return async function startPartitions({
    topic,
    group: wanted,
    known,
  }: StartPartitionsArgs): Promise<StartedPartitions> {
    const { loopDefaults: defaults, offsets } = deps;
    const group = wanted ?? defaults.group;
    const { partitions, ...identity } = await offsets.read(group, topic);
    const inKafka = partitions.map((one) => ({ ...one, metadata: parseCommittedMetadata(one.metadata) }));
    const isLost = ({ partition, committed }: (typeof inKafka)[number]) =>
      committed === null && known.includes(partition);
    const ends = startingEnds(
      inKafka.filter((one) => !isLost(one)),
      known.length > 0,
    );
    const starts = new Map<number, number>();
    const start = async (partition: number, end: 'low' | 'high') => {
      // Only of these: the leader of another partition may be down.
      const { [end]: offset } = await offsets.ends(topic, partition);
      await commitOffset(deps, { group, topic, partition, offset, identity }, partitions.length);
      starts.set(partition, offset);
    };
    await Promise.all([...ends].map(([partition, end]) => limit(() => start(partition, end))));
    const positions = inKafka.flatMap(({ partition, committed, metadata }) => {
      const offset = committed ?? starts.get(partition);
      return offset === undefined
        ? []
        : [[partition, { offset, totals: metadata?.totals ?? NO_TOTALS }] as const];
    });
    return { defaults, positions: Object.fromEntries(positions), partitionCount: partitions.length };
  };
}
