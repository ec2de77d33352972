import type { OffsetRange } from '../../domain/kafka-location.ts';

/** The log does not contain the requested offsets: retention removed them, or they are not written yet. */
export class OffsetsUnavailableError extends Error {
  readonly code = 'KAFKA_OFFSETS_UNAVAILABLE';
  constructor({ topic, partition, from, to }: OffsetRange, detail: string) {
    super(`${topic}/${partition} [${from}, ${to}): ${detail}`);
    this.name = 'OffsetsUnavailableError';
  }
}

/** The batch that contains an offset cannot be decoded: it is damaged in the broker's log. */
export class UndecodableBatchError extends Error {
  readonly code = 'KAFKA_BATCH_UNDECODABLE';
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly offset: number,
    cause: Error,
  ) {
    super(
      `${topic}/${partition}: the batch that holds offset ${offset} cannot be decoded (${cause.message}); restore it from a replica, or seek beyond it`,
      { cause },
    );
    this.name = 'UndecodableBatchError';
  }
}
