import { receivedTimeMs } from './event-time.ts';
import { InvalidEvent } from './invalid-event.ts';
import { parseJsonObject, type JsonObject } from './parse-json-object.ts';
import { deadLetter, ok, type ParseOutcome } from './parse-outcome.ts';

/** A record as Kafka delivers it. */
export interface RawRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Kafka's record time in ms: set by the broker or by the producer's clock; -1 when the record has none. */
  readonly timestampMs: number;
}

/**
 * Parses a record as a JSON object, then its fields with `readFields`.
 * @param readFields throws InvalidEvent at the first field that is not valid; the record is then a dead letter
 */
export function parseEvent<E>(
  record: RawRecord,
  nowMs: number,
  readFields: (event: JsonObject, receivedMs: number) => E,
): ParseOutcome<E> {
  const object = parseJsonObject(record.value);
  if (object.kind !== 'ok') return object;
  try {
    return ok(readFields(object.value, receivedTimeMs(record.timestampMs, nowMs)));
  } catch (error) {
    if (error instanceof InvalidEvent) return deadLetter(error.reason, error.message);
    throw error;
  }
}
