/** Input and output topics of the scoring (docs/contract.md). */
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

export const SCORES_TOPIC = 'scores.stream';
/** One record for each committed range, with the outcome of every offset in it. */
export const LEDGER_TOPIC = 'kol.scoring.ledger';
export const deadLetterTopic = (topic: string): string => `${topic}.dlq`;

/** One stable transactional id per group, topic and partition. It fences older attempts (docs/decisions/0009-transactions.md). */
export const transactionalIdOf = (group: string, topic: string, partition: number): string =>
  `${group}/${topic}/${partition}`;
