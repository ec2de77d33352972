import type { SliceReport } from '../../activities/scoring/slice.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import {
  DEFAULT_LOOP_SETTINGS,
  isStuck,
  type CarriedLoopState,
  type LoopSettings,
  type LoopState,
  type PartitionState,
  type ScoringLoopInput,
  type ScoringLoopOptions,
  type UnstartedPartition,
} from '../../contract/scoring-loop.ts';
import { addTotals, NO_TOTALS, type PartitionTotals } from '../../domain/scoring/committed-metadata.ts';
import { shardOf } from '../../domain/scoring/topics.ts';

/** What a loop knows. Steering and the reports of slices change it. */
export interface LoopMemory extends Pick<ScoringLoopOptions, 'topic' | 'kind' | 'shard'> {
  group: string | null;
  settings: LoopSettings;
  setBy: LoopState['setBy'];
  paused: boolean;
  /** Seeks and changes of the group that wait or run. Meanwhile no slice starts. */
  moves: number;
  /** The partitions of this loop. */
  readonly partitions: Map<number, PartitionState>;
  /** Partitions that could not be started at the last look. */
  unstarted: readonly UnstartedPartition[];
  /** Partitions of the topic that have been started. */
  partitionCount: number;
  /** Partitions of the topic that a slice has seen. */
  seenPartitions: number;
  /** Looks in a row that have found no partition of this loop. */
  emptyLooks: number;
}

export function recallLoop(
  options: ScoringLoopOptions,
  { paused = false, setBy = {}, ...carried }: CarriedLoopState = {},
): LoopMemory {
  // Positions belong to a group: without one, the loop looks for its partitions.
  const { partitions = [], partitionCount = 0 } = options.group === null ? {} : carried;
  return {
    ...options,
    settings: { ...DEFAULT_LOOP_SETTINGS, ...options.settings },
    setBy,
    paused,
    moves: 0,
    partitions: new Map(
      partitions.map((state) => [state.partition, { ...newPartition(0, 0, NO_TOTALS), ...state }]),
    ),
    unstarted: [],
    partitionCount,
    seenPartitions: partitionCount,
    emptyLooks: 0,
  };
}

/**
 * The input of the next run of a loop, or of the loop of another shard.
 * @param positions whether to hand over the partitions too. Without them, the next run asks Kafka for their positions.
 */
export function nextInput(loop: LoopMemory, positions: boolean, shard = loop.shard): ScoringLoopInput {
  const { topic, kind, group, settings, paused, setBy, partitions, partitionCount } = loop;
  const started = positions && { partitions: [...partitions.values()], partitionCount };
  return { topic, kind, group, shard, settings, carried: { paused, setBy, ...started } };
}

/** @param running whether a slice runs */
export function describeLoop(loop: LoopMemory, running: boolean): LoopState {
  const { moves, seenPartitions: _seen, emptyLooks: _looks, ...known } = loop;
  const partitions = [...loop.partitions.values()]
    .sort((a, b) => a.partition - b.partition)
    .map((state) => (isStuck(state) ? state : { ...state, stuck: null }));
  return {
    ...known,
    state: moves > 0 ? 'moving' : !loop.paused ? 'running' : running ? 'pausing' : 'paused',
    totals: partitions.reduce((sum, { totals }) => addTotals(sum, totals), NO_TOTALS),
    lag: partitions.reduce((sum, { lag }) => sum + lag.offsets, 0),
    partitions,
    unstarted: loop.unstarted.filter(({ partition }) => partition < loop.partitionCount),
    shards: otherShards(loop).map((number) => scoringLoopId(loop.topic, number)),
  };
}

/** The number of partitions that a slice starts with. A slice that cannot count them reports this number, and its partition stays. */
export const knownPartitions = ({ partitionCount }: LoopMemory, partition: number): number =>
  Math.max(partitionCount, partition + 1);

/**
 * Notes what a slice reports. A topic that was created again may have fewer partitions: one that is gone is dropped when its own
 * slice has failed for that reason. A broker with an old view of the topic costs at most another look.
 * @param known the number of partitions that the slice started with
 */
export function noteReport(loop: LoopMemory, { state, partitionCount }: SliceReport, known: number): void {
  const { partition } = state;
  if (partitionCount < known) loop.partitionCount = loop.seenPartitions = partitionCount;
  else loop.seenPartitions = Math.max(loop.seenPartitions, partitionCount);
  if (partition >= partitionCount && isStuck(state)) loop.partitions.delete(partition);
  else loop.partitions.set(partition, state);
}

/** The loop of a shard without partitions looks this often before it ends: a broker can have an old view of the topic. */
const MAX_EMPTY_LOOKS = 3;

/** Whether no partition is left for the loop of a shard. The first loop starts it again when the topic grows. */
export const isSuperfluous = ({ shard, partitions, emptyLooks }: LoopMemory): boolean =>
  shard > 0 && partitions.size === 0 && emptyLooks >= MAX_EMPTY_LOOKS;

/** Whether partitions of this loop may exist that it does not work. */
export function lacksPartitions(loop: LoopMemory): boolean {
  const { shard, partitions, partitionCount, seenPartitions } = loop;
  if (partitionCount === 0 || seenPartitions > partitionCount) return true;
  if (shard > 0 && partitions.size === 0) return !isSuperfluous(loop);
  return ownPartitions(loop).some((partition) => !partitions.has(partition));
}

/** The partitions of the topic that belong to this loop. */
export const ownPartitions = ({ shard, partitionCount }: LoopMemory): number[] =>
  Array.from({ length: partitionCount }, (_, partition) => partition).filter(
    (partition) => shardOf(partition) === shard,
  );

/** The first loop of a topic starts and steers the others. */
export const otherShards = ({ shard, partitionCount }: LoopMemory): number[] =>
  shard > 0 || partitionCount === 0
    ? []
    : Array.from({ length: shardOf(partitionCount - 1) }, (_, index) => index + 1);

/** A partition that no slice has worked yet. */
export const newPartition = (
  partition: number,
  position: number,
  totals: PartitionTotals,
): PartitionState => ({
  partition,
  position,
  identity: null,
  totals,
  lag: { offsets: 0, eventSeconds: null, appendSeconds: null },
  perSecond: 0,
  lastBatch: null,
  stuck: null,
  blocked: null,
  disagreement: null,
  worker: null,
});
