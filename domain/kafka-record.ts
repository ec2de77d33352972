/** Headers of a record that was read: one value a name, null included, or a list when a name is repeated. */
export type ReadHeaders = Readonly<Record<string, ReadValue | readonly ReadValue[]>>;
export type ReadValue = Buffer | null;

/** A header as UTF-8 text, null when it has none. The last value of a repeated name counts, as in Kafka's `lastHeader`. */
export function headerText(value: ReadHeaders[string] | undefined): string | null {
  const last = isList(value) ? value.at(-1) : value;
  return last == null ? null : utf8.decode(last);
}

const utf8 = new TextDecoder();

/** (`Array.isArray` does not narrow a readonly array.) */
export const isList = (value: ReadHeaders[string] | undefined): value is readonly ReadValue[] =>
  Array.isArray(value);

/** A record of a topic, with the bytes as they are in the log. */
export interface LogRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReadHeaders;
  /** Kafka's record time in ms since 1970: set by the broker or by the producer's clock; -1 when the record has none. */
  readonly timestampMs: number;
}

/** Bytes, or UTF-8 text. */
export type HeaderValue = Buffer | string;
/** Headers to write: one value a name, or a list when a name is repeated. */
export type Headers = Readonly<Record<string, HeaderValue | HeaderValue[]>>;

/** A record to write. kafkajs sends it as it is, and a list of header values as one header per value. */
export interface OutputRecord {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers: Headers;
}
