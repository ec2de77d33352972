import { firstBatch, readBatchHeader } from './batch-header.ts';
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

/**
 * Decodes record batches as they are in the log, one when it is asked for. The last one may be cut off, and is then left out.
 * @throws DecompressionError or RangeError when the next batch is damaged
 */
export async function* decodeRecordBatches(bytes: Buffer): AsyncGenerator<RecordBatch, undefined> {
  let rest = bytes;
  for (let batch = firstBatch(rest); batch !== undefined; batch = firstBatch(rest)) {
    const header = readBatchHeader(batch);
    yield { messages: await decodeRecords(header, batch), nextOffset: header.nextOffset };
    rest = rest.subarray(batch.length);
  }
}
