import { deadLetter, ok, type ParseOutcome } from './parse-outcome.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const MAX_DETAIL_LENGTH = 200;

/** Parses the value of a record as a JSON object in UTF-8; a dead letter when it is anything else. */
export function parseJsonObject(value: Uint8Array | null): ParseOutcome<JsonObject> {
  if (value === null) return deadLetter('tombstone', 'the record has no value');
  let json: string;
  try {
    json = utf8.decode(value);
  } catch {
    return deadLetter('not_utf8', 'the value is not UTF-8');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    return deadLetter(
      'not_json',
      error instanceof Error ? error.message.slice(0, MAX_DETAIL_LENGTH) : 'the value is not JSON',
    );
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return deadLetter('not_an_object', 'the value is not a JSON object');
  return ok(parsed as JsonObject);
}
