import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { beforeAll, describe, expect, test } from 'vitest';
import { DecompressionError, registerCodecs } from '../../../../../clients/kafka/kafkajs/codecs.ts';
import { decodeRecordBatches } from '../../../../../clients/kafka/kafkajs/decode-records.ts';

// Positions in the header of a batch.
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const COUNT_AT = 57;
const HEADER_BYTES = 61;
const LENGTH_COUNTS_FROM = 12;

const require = createRequire(import.meta.url);
interface Encoded {
  readonly buffer: Buffer;
}
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<Encoded>;
};
const crc32C = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object;

async function batch(firstOffset: number, values: readonly string[], compression = 0): Promise<Buffer> {
  const records = values.map((value, offsetDelta) => encodeRecord({ offsetDelta, key: null, value }));
  const lastOffsetDelta = values.length - 1;
  const { buffer } = await RecordBatch({ firstOffset, lastOffsetDelta, records, compression });
  return Buffer.from(buffer);
}

/** A batch as compaction leaves it: without records, with the offsets that it had. */
async function emptyBatch(firstOffset: number, offsets: number): Promise<Buffer> {
  const bytes = (await batch(firstOffset, ['x'])).subarray(0, HEADER_BYTES);
  bytes.writeInt32BE(HEADER_BYTES - LENGTH_COUNTS_FROM, LENGTH_AT);
  bytes.writeInt32BE(offsets - 1, LAST_OFFSET_DELTA_AT);
  bytes.writeInt32BE(0, COUNT_AT);
  return withChecksum(bytes);
}

/** Writes the checksum of the bytes as they are now. */
function withChecksum(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32C(bytes.subarray(ATTRIBUTES_AT)), CHECKSUM_AT);
  return bytes;
}

const decode = async (...batches: Buffer[]) => {
  let last: number | null = null;
  const values: string[] = [];
  for await (const { messages, nextOffset } of decodeRecordBatches(Buffer.concat(batches))) {
    values.push(...messages.map(({ offset, value }) => `${offset} ${value?.toString()}`));
    last = nextOffset;
  }
  return { nextOffset: last, values };
};

beforeAll(registerCodecs);

describe('record batches', () => {
  test('give their records, and the offset after the last batch', async () => {
    expect(await decode(await batch(5, ['a', 'b']), await batch(9, ['c']))).toEqual({
      values: ['5 a', '6 b', '9 c'],
      nextOffset: 10,
    });
  });

  test('count when they are empty, so that a reader passes them', async () => {
    const empty = { values: [], nextOffset: 8 };
    expect(await decode(await emptyBatch(5, 3))).toEqual(empty);
    expect(await decode(await emptyBatch(2, 1), await emptyBatch(5, 3))).toEqual(empty);
    expect(await decode(await batch(4, ['a']), await emptyBatch(5, 3))).toEqual({
      values: ['4 a'],
      nextOffset: 8,
    });
  });

  test('do not count when they are cut off', async () => {
    const first = await batch(5, ['a']);
    const second = await batch(6, ['b']);
    for (let length = 0; length < second.length; length += 1)
      expect(await decode(first, second.subarray(0, length))).toEqual({ values: ['5 a'], nextOffset: 6 });
    expect(await decode(first.subarray(0, -1))).toEqual({ values: [], nextOffset: null });
  });

  test('are decoded when they are asked for: a damaged one does not hide those before it', async () => {
    const damaged = await batch(12, ['c'.repeat(100)], kafkajs.CompressionTypes.GZIP);
    withChecksum(damaged.fill(0xff, HEADER_BYTES));
    const batches = decodeRecordBatches(Buffer.concat([await batch(5, ['a', 'b']), damaged]));
    const { value: first } = await batches.next();
    expect([first?.messages.map(({ offset }) => offset), first?.nextOffset]).toEqual([[5, 6], 7]);
    await expect(batches.next()).rejects.toThrow(DecompressionError);
  });

  test('fail as damaged when a compressed batch does not decompress', async () => {
    const damaged = await batch(5, ['a'.repeat(100)], kafkajs.CompressionTypes.GZIP);
    withChecksum(damaged.fill(0xff, HEADER_BYTES));
    await expect(decode(damaged)).rejects.toThrow(DecompressionError);
  });

  test('fail as damaged for every error of kafkajs', async () => {
    const negativeLength = await batch(5, ['a']);
    negativeLength.writeInt32BE(-20, LENGTH_AT);
    const unknownFormat = await batch(5, ['a']);
    unknownFormat.writeInt8(1, MAGIC_AT);
    const recordWithoutLength = await batch(5, ['a']);
    recordWithoutLength.writeInt8(1, HEADER_BYTES); // -1 as a variable-length integer
    const tooManyRecords = await batch(5, ['a']);
    tooManyRecords.writeInt32BE(1000, COUNT_AT);
    for (const damaged of [negativeLength, unknownFormat, recordWithoutLength, tooManyRecords].map(
      withChecksum,
    ))
      await expect(decode(await batch(4, ['intact']), damaged)).rejects.toThrow(RangeError);
  });

  test('fail as damaged when one byte that the checksum covers has changed', async () => {
    const intact = await batch(5, ['{"followers_count":1000}', '{"followers_count":2000}']);
    const at = fc.integer({ min: CHECKSUM_AT, max: intact.length - 1 });
    await fc.assert(
      fc.asyncProperty(at, fc.integer({ min: 1, max: 255 }), async (index, change) => {
        const damaged = Buffer.from(intact);
        damaged.writeUInt8(damaged.readUInt8(index) ^ change, index);
        await expect(decode(damaged)).rejects.toThrow('its checksum is wrong');
      }),
    );
  });
});
