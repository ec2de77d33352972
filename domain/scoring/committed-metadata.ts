/** Says which topic an offset belongs to: a topic of the same name in another cluster, or created again, has other offsets. */
export interface TopicIdentity {
  /** `NO_CLUSTER_ID` when the broker does not tell it. */
  readonly clusterId: string;
  /** As Kafka's tools show it. `NO_TOPIC_ID` when the broker has no topic ids (Redpanda, Kafka before 2.8). */
  readonly topicId: string;
}

export const NO_CLUSTER_ID = '';
/** Sixteen zero bytes in base64url: Kafka's way to say that there is no id. */
export const NO_TOPIC_ID = 'A'.repeat(22);

/** When a group began to read a topic, and the partitions that the topic had then: those below `partitions`. */
export interface TopicStart {
  readonly partitions: number;
  readonly atMs: number;
}

/** Metadata that is committed with each offset, in the same transaction, for the attempt that continues from there. */
export interface CommittedMetadata {
  /** The worker that committed it. */
  readonly worker: string;
  readonly identity: TopicIdentity;
  /** Newest event time of the partition, for its watermark; null after a start or a seek. */
  readonly newestEventMs: number | null;
  readonly totals: PartitionTotals;
  /** Each commit keeps it, so that it is known where a partition without an offset starts. Null when it is not known. */
  readonly started: TopicStart | null;
}

/** The names are short: Kafka limits the metadata of an offset to 4,096 bytes. */
export const serializeCommittedMetadata = (metadata: CommittedMetadata): string =>
  JSON.stringify({
    worker: metadata.worker,
    cluster_id: metadata.identity.clusterId,
    topic_id: metadata.identity.topicId,
    newest_event_ms: metadata.newestEventMs,
    totals: metadata.totals,
    ...(metadata.started && {
      started_with: metadata.started.partitions,
      started_at_ms: metadata.started.atMs,
    }),
  });

/** @returns null when another client committed the offset, or an older version of this one */
export function parseCommittedMetadata(text: string | null): CommittedMetadata | null {
  if (text === null || text === '') return null;
  try {
    const fields = JSON.parse(text) as Record<string, unknown>;
    const { worker, cluster_id, topic_id, newest_event_ms, totals, started_with, started_at_ms } = fields;
    const isStarted = typeof started_with === 'number' && typeof started_at_ms === 'number';
    if (typeof worker !== 'string' || typeof cluster_id !== 'string' || typeof topic_id !== 'string')
      return null;
    return {
      worker,
      identity: { clusterId: cluster_id, topicId: topic_id },
      newestEventMs: typeof newest_event_ms === 'number' ? newest_event_ms : null,
      totals: isTotals(totals) ? totals : NO_TOTALS,
      started: isStarted ? { partitions: started_with, atMs: started_at_ms } : null,
    };
  } catch {
    return null;
  }
}

/** Whether two identities may be of one topic. An id that only one of them has says nothing: a broker may have been upgraded. */
export const isSameTopic = (a: TopicIdentity, b: TopicIdentity): boolean =>
  isSameCluster(a, b) && isSameId(a.topicId, b.topicId, NO_TOPIC_ID);

export const isSameCluster = (a: TopicIdentity, b: TopicIdentity): boolean =>
  isSameId(a.clusterId, b.clusterId, NO_CLUSTER_ID);

const isSameId = (a: string, b: string, unknown: string): boolean =>
  a === b || a === unknown || b === unknown;

export const NO_TOTALS = {
  batches: 0,
  records: 0,
  /** Scored profiles, or refreshed videos. */
  scored: 0,
  deadLetters: 0,
  superseded: 0,
  /** Events behind the watermark that were left out, because the settings say so. */
  dropped: 0,
  /** Scored events that were behind the watermark. */
  late: 0,
  /** Results that were not written, because Redis has newer ones or the KOL was erased. */
  outdated: 0,
  /** Offsets that retention deleted before they were read. */
  expired: 0,
};
/** Counts of a partition since its loop first started. They are committed with its offset, so each record counts once. */
export type PartitionTotals = Readonly<typeof NO_TOTALS>;

const names = Object.keys(NO_TOTALS) as (keyof PartitionTotals)[];

export const addTotals = (a: PartitionTotals, b: Partial<PartitionTotals>): PartitionTotals =>
  Object.fromEntries(names.map((name) => [name, a[name] + (b[name] ?? 0)])) as typeof NO_TOTALS;

/** Whether a value that comes from outside is a complete set of counts. */
const isTotals = (value: unknown): value is PartitionTotals =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => Number.isSafeInteger((value as Partial<PartitionTotals>)[name]));
