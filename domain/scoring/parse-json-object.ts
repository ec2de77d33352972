import { isDeeperThan } from './json-text.ts';
import { deadLetter, ok, type ParseOutcome } from './parse-outcome.ts';

/** A JSON object, with the text that it was parsed from (see `numberText`). */
export interface JsonObject {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly json: string;
}

/** 32 times what a broker accepts by default; a record that came compressed can be larger than that. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Events are flat. Unknown fields may be nested, but not so deep that a recursive function exhausts the stack. */
const MAX_DEPTH = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const MAX_DETAIL_LENGTH = 200;

/** Parses the value of a record as a JSON object in UTF-8; a dead letter when it is anything else. */
export function parseJsonObject(value: Uint8Array | null): ParseOutcome<JsonObject> {
  if (value === null) return deadLetter('tombstone', 'the record has no value');
  if (value.length > MAX_BYTES)
    return deadLetter('too_large', `the value has ${value.length} bytes, accepted are up to ${MAX_BYTES}`);
  let json: string;
  try {
    json = utf8.decode(value);
  } catch {
    return deadLetter('not_utf8', 'the value is not UTF-8');
  }
  if (isDeeperThan(json, MAX_DEPTH)) return tooDeep(json);
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    return deadLetter(
      'not_json',
      error instanceof Error ? error.message.slice(0, MAX_DETAIL_LENGTH) : 'the value is not JSON',
    );
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return NOT_AN_OBJECT;
  return ok({ fields: parsed as JsonObject['fields'], json });
}

const NOT_AN_OBJECT = deadLetter('not_an_object', 'the value is not a JSON object');

/** A list is not an object, however deep it is. */
const tooDeep = (json: string): ParseOutcome<never> =>
  json.trimStart().startsWith('[')
    ? NOT_AN_OBJECT
    : deadLetter('too_deep', `lists and objects are nested deeper than ${MAX_DEPTH} levels`);
