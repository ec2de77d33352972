/** Input topics of the scoring (docs/contract.md). */
export const PROFILES_TOPIC = 'kol.profiles.raw';
export const VIDEOS_TOPIC = 'kol.videos.raw';
/** What the events of a topic are. It decides how they are processed. */
export type EventKind = 'profiles' | 'videos';
export const eventKinds: readonly EventKind[] = ['profiles', 'videos'];
/** The input topics, with one scoring loop each. */
export const INPUT_TOPICS = [
  { topic: PROFILES_TOPIC, kind: 'profiles' },
  { topic: VIDEOS_TOPIC, kind: 'videos' },
] as const;

/** Default kind of a topic. */
export const kindOfTopic = (topic: string): EventKind =>
  INPUT_TOPICS.find((input) => input.topic === topic)?.kind ?? 'profiles';

/** Partitions that one loop works. A topic with more of them has several loops. */
export const PARTITIONS_PER_SHARD = 32;
/** The loop that works a partition. Contiguous, so that partitions that are added later keep the others where they are. */
export const shardOf = (partition: number): number => Math.floor(partition / PARTITIONS_PER_SHARD);

/** One stable transactional id per group, topic and partition. It fences older attempts (docs/decisions/0009-transactions.md). */
export const transactionalIdOf = (group: string, topic: string, partition: number): string =>
  `${group}/${topic}/${partition}`;
