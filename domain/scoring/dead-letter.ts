import type { RecordLocation } from '../kafka-location.ts';
import { parseWholeNumber } from '../values/whole-number.ts';
import {
  ERROR_HEADER_PREFIX,
  headerText,
  LEFT_OUT_HEADER,
  REPLAYED_FROM_HEADER,
  type ReadHeaders,
} from './dead-letter-headers.ts';

/** A record of a dead letter topic, bytes as they are in the log. */
interface DeadLetterBytes {
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: ReadHeaders;
  /** When it was written, ms since 1970. */
  readonly timestampMs: number;
}

/** A dead letter with what its headers say. */
export interface DeadLetter extends DeadLetterBytes {
  readonly location: RecordLocation;
  /** Where the record is in the input topic; null when the headers do not say. */
  readonly original: RecordLocation | null;
  /** One of `deadLetterReasons`, or any text of another writer; null when the header is missing. */
  readonly reason: string | null;
  readonly message: string | null;
  /** The earlier dead letter of this record, as topic/partition/offset, when the record had been replayed before. */
  readonly replayedFrom: string | null;
  /** Bytes of the value that was left out because the topic does not accept so large a record; null when nothing was left out. */
  readonly leftOutBytes: number | null;
}

/** Parses the headers of a dead letter. */
export function parseDeadLetter(record: DeadLetterBytes, topic: string, partition: number): DeadLetter {
  const header = (name: string) => headerText(record.headers[name]);
  const errorHeader = (name: string) => header(ERROR_HEADER_PREFIX + name);
  return {
    ...record,
    location: { topic, partition, offset: record.offset },
    original: parseOriginal(errorHeader),
    reason: errorHeader('exception.class.name'),
    message: errorHeader('exception.message'),
    replayedFrom: header(REPLAYED_FROM_HEADER),
    // A dead letter that has its value can carry a header of this name that its record had.
    leftOutBytes: record.value === null ? parseWholeNumber(header(LEFT_OUT_HEADER)) : null,
  };
}

function parseOriginal(errorHeader: (name: string) => string | null): RecordLocation | null {
  const topic = errorHeader('topic');
  const partition = parseWholeNumber(errorHeader('partition'));
  const offset = parseWholeNumber(errorHeader('offset'));
  return topic === null || partition === null || offset === null ? null : { topic, partition, offset };
}
