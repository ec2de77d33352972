/** There is no such topic, or the topic has no such partition. */
export class TopicNotFoundError extends Error {
  readonly code = 'KAFKA_TOPIC_NOT_FOUND';
  constructor(
    readonly topic: string,
    readonly partition?: number,
  ) {
    super(
      partition === undefined ? `There is no topic ${topic}` : `Topic ${topic} has no partition ${partition}`,
    );
    this.name = 'TopicNotFoundError';
  }
}

/** No broker leads a partition: its brokers are down, or an election is under way. */
export class LeaderNotFoundError extends Error {
  readonly code = 'KAFKA_LEADER_NOT_FOUND';
  /** kafkajs retries, because an election may be running. */
  readonly retriable = true;
  constructor(
    readonly topic: string,
    readonly partition: number,
  ) {
    super(`Partition ${partition} of topic ${topic} has no leader`);
    this.name = 'LeaderNotFoundError';
  }
}
