import { isoTimeMs } from '../values/iso-time.ts';

/** A record of a dead letter topic, bytes as they are in the log. */
export interface DeadLetterBytes {
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** One value a name, null included, or several where a name was repeated; as kafkajs gives them. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** When it was written, ms since 1970. */
  readonly timestampMs: number;
}

/** Where a record lies. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A dead letter with what its headers say. */
export interface DeadLetter extends DeadLetterBytes {
  readonly place: Place;
  /** Where the record was in the input; null where the headers do not say. */
  readonly original: Place | null;
  /** One of `deadLetterReasons`, or whatever another writer put there; null where there is none. */
  readonly reason: string | null;
  readonly message: string | null;
  /** The letter that this one was, where the record had been replayed before. */
  readonly replayedFrom: string | null;
  /** Bytes of the value that was left out, since the topic does not take as much; null where all is here. */
  readonly leftOutBytes: number | null;
}

/** Which letters are meant. All conditions must hold; those left out always do. */
export interface DeadLetterFilter {
  readonly reason?: string | undefined;
  /** Written at or after, ms since 1970. */
  readonly sinceMs?: number | undefined;
}

/** Text that is no filter; the message says what is accepted. */
export class InvalidFilterError extends Error {
  readonly code = 'DEAD_LETTER_FILTER_INVALID';
  constructor(message: string) {
    super(message);
    this.name = 'InvalidFilterError';
  }
}

/** Headers that say why: the dead letter's own, not the record's. */
const ERROR_HEADERS = '__connect.errors.';
/** On a replayed record: the letter it comes from, as topic/partition/offset. */
export const REPLAYED_FROM_HEADER = 'kol.replayed-from';
/** On a letter without value and headers: how many bytes the value has, where the record was. */
export const LEFT_OUT_HEADER = 'kol.left-out-bytes';

const utf8 = new TextDecoder();

/** Reads what the headers of a dead letter say. */
export function parseDeadLetter(record: DeadLetterBytes, topic: string, partition: number): DeadLetter {
  const header = (name: string) => textOf(record.headers[name]);
  const [originalTopic, originalPartition, originalOffset] = ['topic', 'partition', 'offset'].map((name) =>
    header(ERROR_HEADERS + name),
  );
  const at = { partition: wholeNumber(originalPartition), offset: wholeNumber(originalOffset) };
  return {
    ...record,
    place: { topic, partition, offset: record.offset },
    original:
      originalTopic == null || at.partition === null || at.offset === null
        ? null
        : { topic: originalTopic, partition: at.partition, offset: at.offset },
    reason: header(`${ERROR_HEADERS}exception.class.name`),
    message: header(`${ERROR_HEADERS}exception.message`),
    replayedFrom: header(REPLAYED_FROM_HEADER),
    // A record that has its value may have brought a header of this name along.
    leftOutBytes: record.value === null ? wholeNumber(header(LEFT_OUT_HEADER)) : null,
  };
}

export const matches = (letter: DeadLetter, { reason, sinceMs }: DeadLetterFilter): boolean =>
  (reason === undefined || letter.reason === reason) &&
  (sinceMs === undefined || letter.timestampMs >= sinceMs);

export const printPlace = ({ topic, partition, offset }: Place): string => `${topic}/${partition}/${offset}`;

/** The value of a header: bytes, or UTF-8 text. */
export type HeaderValue = Uint8Array | string;
/** Headers to be written: one value a name, or several where a name is repeated. */
export type Headers = Readonly<Record<string, HeaderValue | HeaderValue[]>>;

/**
 * Headers of a record that was read, to be written to another: every value byte for byte, those of a repeated name in their
 * order. Two things are lost, as kafkajs 2.2.4 has no way to write them: a null value becomes an empty one (its encoder throws at
 * null), and names that are interleaved (a, b, a) come out one after the other (a, a, b).
 */
export function carriedHeaders(headers: DeadLetterBytes['headers']): Headers {
  const carried: [string, HeaderValue | HeaderValue[]][] = [];
  for (const [name, value] of Object.entries(headers)) {
    // What is neither comes from names like `constructor`, for which kafkajs finds a value in its empty object.
    if (Array.isArray(value)) carried.push([name, value.filter(isReadValue).map(orEmpty)]);
    else if (isReadValue(value)) carried.push([name, orEmpty(value)]);
  }
  return Object.fromEntries(carried);
}

/** The headers that the record had, and which letter it now comes from. */
export function replayedHeaders({ headers, place }: DeadLetter): Headers {
  const own = Object.entries(carriedHeaders(headers)).filter(
    ([name]) => !name.startsWith(ERROR_HEADERS) && name !== REPLAYED_FROM_HEADER,
  );
  return { ...Object.fromEntries(own), [REPLAYED_FROM_HEADER]: printPlace(place) };
}

/**
 * `0:12,0:15` → places in a dead letter topic, in that order, each once.
 * @throws InvalidFilterError
 */
export function parseOffsets(text: string): { readonly partition: number; readonly offset: number }[] {
  const places = new Map<string, { partition: number; offset: number }>();
  for (const item of text.split(',').map((part) => part.trim())) {
    const [partition, offset] = /^\d+:\d+$/.test(item) ? item.split(':').map(wholeNumber) : [];
    if (partition == null || offset == null)
      throw new InvalidFilterError('accepted are places as partition:offset, like 0:12,0:15');
    places.set(`${partition}:${offset}`, { partition, offset });
  }
  return [...places.values()].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A moment in ms since 1970: ISO 8601 text (UTC where no zone is given), or how long ago, like `90s`, `30m`, `1h`, `7d`.
 * @throws InvalidFilterError
 */
export function parseSince(text: string, nowMs: number): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return nowMs - Number(amount) * (UNIT_MS[unit] ?? 0);
  const ms = text.includes(' ') ? NaN : isoTimeMs(text);
  if (Number.isNaN(ms))
    throw new InvalidFilterError('accepted is ISO 8601 text like 2026-01-31T12:00:00Z, or an age like 1h');
  return ms;
}

const isReadValue = (value: unknown): value is HeaderValue | null =>
  value === null || typeof value === 'string' || value instanceof Uint8Array;

const orEmpty = (value: HeaderValue | null): HeaderValue => value ?? '';

/** A header as text; of one that is repeated the last, as Kafka's `lastHeader` does. */
function textOf(value: unknown): string | null {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  if (typeof last === 'string') return last;
  return last instanceof Uint8Array ? utf8.decode(last) : null;
}

function wholeNumber(text: string | null | undefined): number | null {
  const number = text != null && /^\d+$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(number) ? number : null;
}
