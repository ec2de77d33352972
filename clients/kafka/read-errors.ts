import type { RecordLocation } from '../../domain/kafka-location.ts';
import { formatLocation } from '../../domain/kafka-location.ts';

/** The offsets of the log of a partition. */
export interface LogEnds {
  /** The first offset in the log. */
  readonly logStart: number;
  /** The last stable offset: read-committed readers get everything below it. */
  readonly lastStable: number;
  /** The high watermark: the end of the records that are replicated. */
  readonly high: number;
}

/** The log does not contain an offset: retention has deleted it, or the log was truncated or created again. */
export class OffsetOutOfRangeError extends Error {
  readonly code = 'KAFKA_OFFSET_OUT_OF_RANGE';
  constructor(
    readonly location: RecordLocation,
    readonly log: LogEnds,
  ) {
    super(
      `${formatLocation(location)} is not in the log, which has the offsets ${log.logStart} to ${log.high}`,
    );
    this.name = 'OffsetOutOfRangeError';
  }
}

/** A broker does not return records that it says it has. */
export class RecordsUnavailableError extends Error {
  readonly code = 'KAFKA_RECORDS_UNAVAILABLE';
  constructor(location: RecordLocation, detail: string) {
    super(`${formatLocation(location)}: ${detail}`);
    this.name = 'RecordsUnavailableError';
  }
}

/** The batch that contains an offset cannot be decoded: it is damaged in the broker's log. */
export class UndecodableBatchError extends Error {
  readonly code = 'KAFKA_BATCH_UNDECODABLE';
  constructor(
    readonly location: RecordLocation,
    readonly log: LogEnds,
    cause: Error,
  ) {
    super(
      `the batch that holds ${formatLocation(location)} cannot be decoded (${cause.message}); restore it from a replica, or seek beyond it`,
      { cause },
    );
    this.name = 'UndecodableBatchError';
  }
}
