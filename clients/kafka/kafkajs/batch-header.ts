import { crc32c } from '@node-rs/crc32';

/** The header of a record batch: https://kafka.apache.org/documentation/#recordbatch */
export interface BatchHeader {
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
export function verifyChecksum(batch: Buffer): void {
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
