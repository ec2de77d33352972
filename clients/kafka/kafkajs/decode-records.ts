import { crc32c } from '@node-rs/crc32';
import kafkajs from 'kafkajs';
import type { LogRecord, ReadHeaders, ReadValue } from '../../../domain/kafka-record.ts';

// Fault:       kafkajs 2.2.4 copies all earlier headers of a record for each header, and reads fields beyond the end of their record.
// Consequence: a record of 40 KB with 6,000 headers blocks the process for more than 10 s, longer than its heartbeat timeout.
// Remedy:      decode records here, in linear time.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** A record as it is in the log. */
export interface DecodedRecord extends LogRecord {
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

const COMPRESSION = 0b111;
const HAS_LOG_APPEND_TIME = 1 << 3;
const IS_TRANSACTIONAL = 1 << 4;
const IS_CONTROL = 1 << 5;

/**
 * Records and headers of a batch at most. In memory each takes some hundred bytes, so a compressed batch of very many small ones could
 * kill a worker. An uncompressed batch of 1 MB, the default limit of brokers, has less: a header takes at least 2 bytes.
 */
const MAX_PARTS = 600_000;

/**
 * Decodes the records of a batch, all of them.
 * @param header of this batch
 * @param batch complete, with its header
 * @throws DecompressionError or RangeError when it is damaged, or too large
 */
export async function decodeRecords(header: BatchHeader, batch: Buffer): Promise<DecodedRecord[]> {
  const { baseOffset, attributes, baseTimestampMs, maxTimestampMs, producerId, count } = header;
  const context: BatchContext = {
    baseOffset,
    isControlRecord: (attributes & IS_CONTROL) !== 0,
    timestampMs:
      (attributes & HAS_LOG_APPEND_TIME) === 0 ? (delta) => baseTimestampMs + delta : () => maxTimestampMs,
    batchContext: { producerId, inTransaction: (attributes & IS_TRANSACTIONAL) !== 0 },
  };
  const budget = { parts: MAX_PARTS };
  spend(budget, count);
  if (count === 0) return []; // compaction leaves such a batch, also without compressed bytes
  const bytes = await decompress(attributes & COMPRESSION, batch.subarray(HEADER_BYTES));
  const cursor = { bytes, at: 0, end: bytes.length };
  const records: DecodedRecord[] = [];
  for (let index = 0; index < count; index += 1) records.push(decodeRecord(cursor, context, budget));
  return records;
}

async function decompress(compression: number, records: Buffer): Promise<Buffer> {
  if (compression === Number(kafkajs.CompressionTypes.None)) return records;
  const codecs: Readonly<Record<number, (() => Decompressor) | undefined>> = kafkajs.CompressionCodecs;
  const codec = codecs[compression];
  if (codec === undefined) throw new RangeError(`a batch has the unknown compression ${compression}`);
  return codec().decompress(records);
}

/** A codec in kafkajs's registry, see codecs.ts. */
interface Decompressor {
  readonly decompress: (bytes: Buffer) => Promise<Buffer>;
}

/** What the records of a batch have in common. */
interface BatchContext extends Pick<DecodedRecord, 'isControlRecord' | 'batchContext'> {
  readonly baseOffset: number;
  /** @param delta what the record says */
  readonly timestampMs: (delta: number) => number;
}

/** A place in the bytes, which moves on with each field that is read. No field extends beyond `end`. */
interface Cursor {
  readonly bytes: Buffer;
  at: number;
  end: number;
}

/** https://kafka.apache.org/documentation/#record */
function decodeRecord(
  batch: Cursor,
  { baseOffset, timestampMs, isControlRecord, batchContext }: BatchContext,
  budget: Budget,
): DecodedRecord {
  const length = readVarint(batch);
  const at = skip(batch, length);
  const record = { bytes: batch.bytes, at: at + 1, end: batch.at }; // the first byte has attributes, which are unused
  const timestampDelta = readVarint(record);
  const offsetDelta = readVarint(record);
  const decoded = {
    offset: baseOffset + offsetDelta,
    timestampMs: timestampMs(timestampDelta),
    key: readData(record),
    value: readData(record),
    headers: readHeaders(record, budget),
    isControlRecord,
    batchContext,
  };
  if (record.at !== record.end)
    throw new RangeError(`a record ends ${record.end - record.at} bytes too late`);
  return decoded;
}

/** What is left of `MAX_PARTS`. */
interface Budget {
  parts: number;
}

function spend(budget: Budget, count: number): void {
  if (count < 0 || count > budget.parts)
    throw new RangeError(`a batch claims ${count} records or headers, after ${MAX_PARTS - budget.parts}`);
  budget.parts -= count;
}

const NO_HEADERS: ReadHeaders = {};

function readHeaders(record: Cursor, budget: Budget): ReadHeaders {
  const count = readVarint(record);
  spend(budget, count);
  if (count === 0) return NO_HEADERS;
  // A map, because a header can have the name of a property that all objects have.
  const headers = new Map<string, ReadValue | ReadValue[]>();
  for (let index = 0; index < count; index += 1) {
    const name = readData(record)?.toString() ?? '';
    const value = readData(record);
    const before = headers.get(name);
    if (Array.isArray(before)) before.push(value);
    else headers.set(name, before === undefined ? value : [before, value]);
  }
  return Object.fromEntries(headers);
}

/** @returns null when the field is null */
function readData(cursor: Cursor): Buffer | null {
  const length = readVarint(cursor);
  if (length === -1) return null;
  const at = skip(cursor, length);
  return cursor.bytes.subarray(at, cursor.at);
}

/** @returns where the skipped bytes begin */
function skip(cursor: Cursor, length: number): number {
  const { at } = cursor;
  if (length < 0 || length > cursor.end - at)
    throw new RangeError(`a field claims ${length} bytes, and ${cursor.end - at} are left`);
  cursor.at += length;
  return at;
}

/** A 64-bit number in 1 to 10 bytes, 7 bits in each, the lowest ones first. Beyond 2^53 it is rounded. */
function readVarint(cursor: Cursor): number {
  let zigzag = 0;
  for (let scale = 1; scale <= 2 ** 63; scale *= 2 ** 7) {
    const byte = cursor.bytes[skip(cursor, 1)] ?? 0;
    zigzag += (byte & 0x7f) * scale;
    if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
  throw new RangeError('a number has more than 10 bytes');
}

// Fault:       kafkajs 2.2.4 returns the records of a response only, and drops what its batches say.
// Consequence: a reader cannot pass a batch without records. Compaction leaves such batches: the last batch of each
//              producer stays, so that the broker knows its sequence number.
// Remedy:      read the headers of the batches here.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** The header of a record batch: https://kafka.apache.org/documentation/#recordbatch */
interface BatchHeader {
  readonly baseOffset: number;
  /** Offset after the batch. */
  readonly nextOffset: number;
  readonly attributes: number;
  /** Milliseconds since 1970. */
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: string;
  /** Records, as the header claims. */
  readonly count: number;
}

/** The bytes of a header. The records follow it. */
export const HEADER_BYTES = 61;

/** Positions in the header. */
const BASE_OFFSET_AT = 0;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;

/** The length of a batch does not count the base offset and itself. */
const LENGTH_COUNTS_FROM = 12;
/** Batches of this format come from Kafka 0.11 and later. */
const MAGIC = 2;

/**
 * The first batch of the bytes.
 * @returns undefined when the bytes end before it does
 * @throws RangeError when it is shorter than a header
 */
export function firstBatch(bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const length = LENGTH_COUNTS_FROM + bytes.readInt32BE(LENGTH_AT);
  if (length < HEADER_BYTES) throw new RangeError(`a batch claims ${length} bytes`);
  return length > bytes.length ? undefined : bytes.subarray(0, length);
}

/**
 * Compares the checksum of a complete batch with its bytes. Brokers serve a batch as it is on their disk: without this, a damaged one
 * could be read as events with other numbers.
 * @throws RangeError when they differ
 */
function verifyChecksum(batch: Buffer): void {
  if (crc32c(batch.subarray(ATTRIBUTES_AT)) !== batch.readUInt32BE(CHECKSUM_AT))
    throw new RangeError('its checksum is wrong');
}

/**
 * @param batch at least HEADER_BYTES
 * @throws RangeError when it has another format
 */
export function readBatchHeader(batch: Buffer): BatchHeader {
  const magic = batch.readInt8(MAGIC_AT);
  if (magic !== MAGIC) throw new RangeError(`a batch has format ${magic} instead of ${MAGIC}`);
  const baseOffset = Number(batch.readBigInt64BE(BASE_OFFSET_AT));
  return {
    baseOffset,
    nextOffset: baseOffset + batch.readInt32BE(LAST_OFFSET_DELTA_AT) + 1,
    attributes: batch.readInt16BE(ATTRIBUTES_AT),
    baseTimestampMs: Number(batch.readBigInt64BE(BASE_TIMESTAMP_AT)),
    maxTimestampMs: Number(batch.readBigInt64BE(MAX_TIMESTAMP_AT)),
    producerId: String(batch.readBigInt64BE(PRODUCER_ID_AT)),
    count: batch.readInt32BE(COUNT_AT),
  };
}

/** A batch of records as it is in the log. */
export interface RecordBatch {
  /** All records in offset order, also control records and those of aborted transactions. */
  readonly messages: readonly DecodedRecord[];
  /** Offset after the batch. */
  readonly nextOffset: number;
}

/**
 * Decodes record batches as they are in the log, one when it is asked for. The last one may be cut off, and is then left out.
 * @throws DecompressionError or RangeError when the next batch is damaged
 */
export async function* decodeRecordBatches(bytes: Buffer): AsyncGenerator<RecordBatch, undefined> {
  let rest = bytes;
  for (let batch = firstBatch(rest); batch !== undefined; batch = firstBatch(rest)) {
    const header = readBatchHeader(batch);
    verifyChecksum(batch);
    yield { messages: await decodeRecords(header, batch), nextOffset: header.nextOffset };
    rest = rest.subarray(batch.length);
  }
}
