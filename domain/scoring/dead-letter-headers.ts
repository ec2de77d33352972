import { formatLocation, type RecordLocation } from '../kafka-location.ts';

/** Headers of a record that was read: one value a name, null included, or a list when a name is repeated. */
export type ReadHeaders = Readonly<Record<string, ReadValue | readonly ReadValue[]>>;
/** Bytes, or UTF-8 text. */
type HeaderValue = Uint8Array | string;
type ReadValue = HeaderValue | null;
/** Headers to write: one value a name, or a list when a name is repeated. */
export type Headers = Readonly<Record<string, HeaderValue | HeaderValue[]>>;

/** Prefix of the headers that say why a record became a dead letter. They belong to the dead letter, not to the record. */
export const ERROR_HEADER_PREFIX = '__connect.errors.';
/** On a replayed record: the dead letter that it comes from, as topic/partition/offset. */
export const REPLAYED_FROM_HEADER = 'kol.replayed-from';
/** On a dead letter without value and headers: bytes of the value in the input topic. */
export const LEFT_OUT_HEADER = 'kol.left-out-bytes';

/**
 * Copies headers of a record for writing: every value byte for byte, values of a repeated name in their order. Two things are
 * lost, because kafkajs 2.2.4 cannot write them: a null value becomes an empty one (its encoder throws at null), and repeated
 * names that alternate (a, b, a) are written one name after the other (a, a, b).
 */
export const copyHeaders = (headers: ReadHeaders): Headers =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      isList(value) ? value.map(orEmpty) : orEmpty(value),
    ]),
  );

/** Headers of a replayed record: those that the original record had, and the dead letter that it comes from. */
export function replayedHeaders({
  headers,
  location,
}: {
  readonly headers: ReadHeaders;
  readonly location: RecordLocation;
}): Headers {
  const original = Object.entries(copyHeaders(headers)).filter(
    ([name]) => !name.startsWith(ERROR_HEADER_PREFIX) && name !== REPLAYED_FROM_HEADER,
  );
  return { ...Object.fromEntries(original), [REPLAYED_FROM_HEADER]: formatLocation(location) };
}

/** A header as UTF-8 text, null when it has none. The last value of a repeated name counts, as in Kafka's `lastHeader`. */
export function headerText(value: ReadHeaders[string] | undefined): string | null {
  const last = isList(value) ? value.at(-1) : value;
  return last instanceof Uint8Array ? utf8.decode(last) : (last ?? null);
}

const utf8 = new TextDecoder();

/** (`Array.isArray` does not narrow a readonly array.) */
const isList = (value: ReadHeaders[string] | undefined): value is readonly ReadValue[] =>
  Array.isArray(value);

const orEmpty = (value: ReadValue): HeaderValue => value ?? '';
