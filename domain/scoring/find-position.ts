import {
  addTotals,
  type CommittedMetadata,
  isSameCluster,
  isSameTopic,
  type PartitionTotals,
  type TopicIdentity,
  type TopicStart,
} from './committed-metadata.ts';

/** How the committed offset in Kafka differs from what the loop knew. */
export const disagreements = [
  /** It is higher: another client commits for this group. */
  'ahead',
  /** It is lower: another client set it back, and the events from there are scored again. */
  'behind',
  /** Kafka had lost it; the loop continues from the offset that it knows. */
  'forgotten',
  /** The topic was deleted and created again; it is read from its beginning. */
  'recreated',
  /** The loop now reads another Kafka cluster; the topic is read from its beginning. */
  'replaced',
] as const;
export type Disagreement = (typeof disagreements)[number];

/** The position of a partition, as the loop last saw it. */
export interface KnownPosition {
  readonly position: number;
  /** Null until the first slice has seen the topic. */
  readonly identity: TopicIdentity | null;
  readonly totals: PartitionTotals;
}

/** What Kafka says of a partition. */
export interface PartitionInKafka {
  /** Null when the group has no offset here. */
  readonly committed: number | null;
  /** Null when another client committed the offset. */
  readonly metadata: CommittedMetadata | null;
  readonly identity: TopicIdentity;
}

/** The position of a partition. */
export interface Position {
  /** Next offset to read. */
  readonly offset: number;
  /** Newest event time so far, for the watermark. */
  readonly newestEventMs: number | null;
  readonly totals: PartitionTotals;
}

/**
 * Finds where a partition continues. Kafka's committed offset is the truth, as long as it belongs to this topic; what the loop
 * knows counts only where Kafka has no offset.
 */
export function findPosition(
  known: KnownPosition,
  { committed, metadata, identity }: PartitionInKafka,
): Position & { readonly disagreement: Disagreement | null } {
  const totals = metadata?.totals ?? known.totals;
  const recorded = metadata?.identity ?? known.identity ?? identity;
  if (!isSameTopic(recorded, identity)) {
    const disagreement = isSameCluster(recorded, identity) ? 'recreated' : 'replaced';
    return { offset: 0, newestEventMs: null, totals, disagreement };
  }
  return {
    offset: committed ?? known.position,
    newestEventMs: metadata?.newestEventMs ?? null,
    totals,
    disagreement: compare(known.position, committed, metadata),
  };
}

/** An offset with our metadata is no disagreement: an attempt committed it, and its report was lost. */
function compare(
  known: number,
  committed: number | null,
  metadata: CommittedMetadata | null,
): Disagreement | null {
  // At the beginning there is nothing to lose, for example before the first event of a topic that was created again.
  if (committed === null) return known === 0 ? null : 'forgotten';
  if (metadata !== null || committed === known) return null;
  return committed > known ? 'ahead' : 'behind';
}

/** Moves a position over offsets that retention has deleted, and counts them. */
export const skipExpired = (position: Position, logStart: number): Position => ({
  ...position,
  offset: logStart,
  totals: addTotals(position.totals, { expired: logStart - position.offset }),
});

/** Records may have times of producers whose clocks are this much behind. */
const CLOCK_MARGIN_MS = 10 * 60_000;

type Partitions = readonly Pick<PartitionInKafka, 'committed' | 'metadata'>[];
const isUnread = (partitions: Partitions) => partitions.every(({ committed }) => committed === null);

/**
 * Where the partitions of a shard start that have no committed offset. A topic that the group never read starts at its end. In a topic
 * that the group reads already, a partition that was added later starts at the beginning of its log. Any other starts at the first record
 * since the group began with the topic, less a margin for the clocks of producers. It has not been started yet, because that failed half
 * way; then nothing is lost. Or Kafka has forgotten its offset; then events are scored again, and none is lost. There is no margin while the loop of the shard also starts for the first time: a first start scores no history.
 * @param partitions those of the topic
 * @param own those of the shard
 * @param knowsNone whether the loop of the shard knows no position
 * @returns also when the group began with the topic, as the commits of its partitions say; null when none does, for example because an
 * older version has committed them
 */
export function planStart(
  partitions: Partitions,
  own: Partitions,
  { identity, knowsNone, nowMs }: { identity: TopicIdentity; knowsNone: boolean; nowMs: number },
) {
  if (knowsNone && isUnread(partitions)) {
    const started: TopicStart = { partitions: partitions.length, atMs: nowMs };
    return { started, placeOf: () => 'high' as const };
  }
  const starts = partitions.flatMap(({ metadata }) =>
    metadata?.started && isSameTopic(metadata.identity, identity) ? [metadata.started] : [],
  );
  const started = starts.sort((a, b) => a.atMs - b.atMs)[0] ?? null;
  const placeOf = (partition: number) => {
    if (started === null || partition >= started.partitions) return 'low' as const;
    const isNew = knowsNone && nowMs - started.atMs < CLOCK_MARGIN_MS && isUnread(own);
    return { atMs: started.atMs - (isNew ? 0 : CLOCK_MARGIN_MS) };
  };
  return { started, placeOf };
}
