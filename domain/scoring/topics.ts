/** Topics that are scored, and where their results go (domain.md, hot path). */
export const PROFILES_TOPIC = 'kol.profiles.raw';
export const VIDEOS_TOPIC = 'kol.videos.raw';
/** What the events of a topic are, which decides what is done with them. */
export type EventKind = 'profiles' | 'videos';
export const eventKinds: readonly EventKind[] = ['profiles', 'videos'];
/** The input topics; one scoring loop each. */
export const INPUT_TOPICS = [
  { topic: PROFILES_TOPIC, kind: 'profiles' },
  { topic: VIDEOS_TOPIC, kind: 'videos' },
] as const;

export const SCORES_TOPIC = 'scores.stream';
/** One record a committed range: what became of every offset in it. */
export const LEDGER_TOPIC = 'kol.scoring.ledger';
export const deadLetterTopic = (topic: string): string => `${topic}.dlq`;

/** One stable id per group, topic and partition: the fence between attempts (docs/scoring.md). */
export const transactionalIdOf = (group: string, topic: string, partition: number): string =>
  `${group}/${topic}/${partition}`;
