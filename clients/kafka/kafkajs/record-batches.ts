import { decodeRecords, type LogRecord } from './decode-records.ts';

// Fault:       kafkajs 2.2.4 returns the records of a response only, and drops what its batches say.
// Consequence: a reader cannot pass a batch without records. Compaction leaves such batches: the last batch of each
//              producer stays, so that the broker knows its sequence number.
// Remedy:      read the headers of the batches here.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** A batch of records as it is in the log. */
export interface RecordBatch {
  /** All records in offset order, also control records and those of aborted transactions. */
  readonly messages: readonly LogRecord[];
  /** Offset after the batch. */
  readonly nextOffset: number;
}

/** Positions in the header of a record batch: https://kafka.apache.org/documentation/#recordbatch */
const BASE_OFFSET_AT = 0;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const LAST_OFFSET_DELTA_AT = 23;
const HEADER_BYTES = 61;
/** The length of a batch does not count the base offset and itself. */
const LENGTH_COUNTS_FROM = 12;
/** Batches of this format come from Kafka 0.11 and later. */
const MAGIC = 2;

/**
 * Decodes record batches as they are in the log, one when it is asked for. The last one may be cut off, and is then left out.
 * @throws DecompressionError or RangeError when the next batch is damaged
 */
export async function* decodeRecordBatches(bytes: Buffer): AsyncGenerator<RecordBatch, undefined> {
  for (let start = 0; start + HEADER_BYTES <= bytes.length;) {
    const next = start + LENGTH_COUNTS_FROM + bytes.readInt32BE(start + LENGTH_AT);
    if (next > bytes.length) return;
    const batch = bytes.subarray(start, next);
    checkFormat(batch);
    const messages = await decodeRecords(batch);
    const baseOffset = Number(batch.readBigInt64BE(BASE_OFFSET_AT));
    yield { messages, nextOffset: baseOffset + batch.readInt32BE(LAST_OFFSET_DELTA_AT) + 1 };
    start = next;
  }
}

function checkFormat(batch: Buffer): void {
  if (batch.length < HEADER_BYTES) throw new RangeError(`a batch claims ${batch.length} bytes`);
  const magic = batch.readInt8(MAGIC_AT);
  if (magic !== MAGIC) throw new RangeError(`a batch has format ${magic} instead of ${MAGIC}`);
}
