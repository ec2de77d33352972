import type { ICustomPartitioner, Message, PartitionerArgs, ProducerBatch, RecordMetadata } from 'kafkajs';

// Fault:       kafkajs 2.2.4 keeps one response for each broker over all tries of a send. A failed try does not wait for its
//              requests to the other brokers. Each try chooses the partitions again.
// Consequence: when a leader moves, or one broker is slow while another fails, records are not written, or are written twice
//              under different sequence numbers. The send succeeds, and so does its transaction.
// Remedy:      choose each partition once, refuse to try again when several brokers got the records, and demand one answer for
//              each partition.
// Upstream:    https://github.com/tulios/kafkajs/pull/1798 (open).
// See docs/decisions/0006-kafkajs.md.

/** Some records of a send may be missing in the log, or be there twice. Discard the producer: its state is unknown. */
class UnconfirmedSendError extends Error {
  readonly code = 'KAFKA_SEND_UNCONFIRMED';
  /** kafkajs reads it: another try would not help. */
  readonly retriable = false;
  constructor(message: string) {
    super(message);
    this.name = 'UnconfirmedSendError';
  }
}

/** A producer or a transaction of kafkajs. */
interface BatchTarget {
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>;
}

/** Sends the batches of one producer, one after the other. */
export interface ExactSender {
  /** The producer must be created with it. */
  readonly createPartitioner: ICustomPartitioner;
  /**
   * Sends a batch. Afterwards each record is in the log exactly once, at the leader of its partition: the partition that the
   * message names, else that of its key, else `unkeyedPartition` modulo the number of partitions.
   * @throws UnconfirmedSendError, also as the cause of an error of kafkajs, and the errors of kafkajs
   */
  sendBatch(target: BatchTarget, batch: ProducerBatch, unkeyedPartition: number): Promise<void>;
}

export function createExactSender(): ExactSender {
  let current: ReturnType<typeof createSend> | undefined;
  return {
    createPartitioner: () => (args) => {
      if (current === undefined) throw new TypeError('Send with the sender of this producer');
      return current.partitionOf(args);
    },
    async sendBatch(target, batch, unkeyedPartition) {
      const send = createSend(unkeyedPartition);
      current = send;
      const topicMessages = batch.topicMessages?.map(({ topic, messages }) => ({
        topic,
        messages: groupableMessages(messages),
      }));
      const answers = await target.sendBatch({ ...batch, ...(topicMessages && { topicMessages }) });
      checkAnswers(send.places(), answers);
    },
  };
}

/** Follows one send: kafkajs asks for the partition of each message at the start of each try, in the order of the batch. */
function createSend(unkeyedPartition: number) {
  const chosen = new Map<Message, number>();
  /** The places that the current try sends to, each with the broker that leads it. */
  const leaders = new Map<string, number | undefined>();
  let first: Message | undefined;

  const startTry = () => {
    if (new Set(leaders.values()).size > 1)
      throw new UnconfirmedSendError('A send to several brokers failed, and cannot be tried again safely');
    leaders.clear();
  };

  return {
    places: () => leaders.keys(),
    partitionOf({ topic, partitionMetadata, message }: PartitionerArgs): number {
      first ??= message;
      if (message === first) startTry();
      // Partitions that are added between two tries do not move the message.
      const partition =
        chosen.get(message) ??
        message.partition ??
        choosePartition(message.key, partitionMetadata.length, unkeyedPartition);
      chosen.set(message, partition);
      const place = formatPlace(topic, partition);
      if (!leaders.has(place))
        leaders.set(place, partitionMetadata.find(({ partitionId }) => partitionId === partition)?.leader);
      return partition;
    },
  };
}

/**
 * Chooses the partition of a record by a hash of its key. Java clients and kafkajs choose the same, so the records of a key stay
 * in one partition, whichever client writes them.
 * @param unkeyedPartition chosen for a record without a key; modulo the number of partitions
 */
export function choosePartition(
  key: Buffer | string | null | undefined,
  partitionCount: number,
  unkeyedPartition: number,
): number {
  if (key === null || key === undefined) return unkeyedPartition % partitionCount;
  return toPositive(murmur2(typeof key === 'string' ? Buffer.from(key) : key)) % partitionCount;
}

/** As Java clients do it: clears the sign, which is not the absolute value. */
const toPositive = (hash: number): number => hash & 0x7fffffff;

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** Murmur2 with the constants of Kafka's Java client. kafkajs has it too, but with BigInt, which is several times slower. */
function murmur2(data: Buffer): number {
  const wordsEnd = data.length & ~3;
  let hash = SEED ^ data.length;
  for (let index = 0; index < wordsEnd; index += 4) {
    const word = Math.imul(data.readInt32LE(index), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word ^ (word >>> 24), MULTIPLIER);
  }
  if (wordsEnd < data.length) {
    for (let index = wordsEnd; index < data.length; index += 1)
      hash ^= data.readUInt8(index) << (8 * (index - wordsEnd));
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/** @throws UnconfirmedSendError unless each place has exactly one answer, without an error */
function checkAnswers(places: Iterable<string>, answers: readonly RecordMetadata[]): void {
  const unanswered = new Set(places);
  for (const { topicName, partition, errorCode } of answers) {
    const place = formatPlace(topicName, partition);
    if (errorCode !== 0) throw new UnconfirmedSendError(`${place} answered with error code ${errorCode}`);
    if (!unanswered.delete(place)) throw new UnconfirmedSendError(`${place} answered more than once`);
  }
  if (unanswered.size > 0) throw new UnconfirmedSendError(`${[...unanswered].join(', ')} did not answer`);
}

/** Messages by the number of their partition. */
type Groups = Record<string, Message[]>;

/**
 * A copy of the messages that kafkajs groups in linear time. It groups with `messages.reduce` and copies a group for each message: the send
 * of 1,000 records allocates 8 MB, two fifths of all that their scoring allocates. This `reduce` lets it place each message alone.
 */
export function groupableMessages(messages: readonly Message[]): Message[] {
  const copy = [...messages];
  const reduce = (place: (groups: Groups, message: Message) => Groups): Groups => {
    const groups: Groups = {};
    for (const message of copy)
      for (const partition of Object.keys(place({}, message))) (groups[partition] ??= []).push(message);
    return groups;
  };
  return Object.assign(copy, { reduce });
}

const formatPlace = (topic: string, partition: number): string => `${topic}/${partition}`;
