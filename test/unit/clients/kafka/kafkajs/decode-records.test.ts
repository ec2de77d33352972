import { createRequire } from 'node:module';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeRecords, readBatchHeader } from '../../../../../clients/kafka/kafkajs/decode-records.ts';
import { DecompressionError, registerCodecs } from '../../../../../clients/kafka/kafkajs/codecs.ts';

const require = createRequire(import.meta.url);
interface Encoded {
  readonly buffer: Buffer;
}
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<Encoded>;
};
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object;
/** Writes records that the encoder of kafkajs cannot: with null header values, and repeated names that alternate. */
const { writeVarIntString, writeVarIntBytes } = fieldWriters();

const ATTRIBUTES_AT = 21;
const COUNT_AT = 57;
const HEADER_BYTES = 61;
const LOG_APPEND_TIME = 8;

type Header = readonly [name: string, value: Buffer | null];

async function batchOf(records: readonly object[], batch: object = {}): Promise<Buffer> {
  const { buffer } = await RecordBatch({ firstOffset: 5, records: records.map(encodeRecord), ...batch });
  return Buffer.from(buffer);
}

/** A batch with one record that has these headers. */
const batchWithHeaders = (headers: readonly Header[]) =>
  batchWith(
    headers.length,
    Buffer.concat(headers.flatMap(([name, value]) => [writeVarIntString(name), writeVarIntBytes(value)])),
  );

async function batchWith(count: number, headers: Buffer): Promise<Buffer> {
  const body = Buffer.concat([
    Buffer.from([0, 0, 0, 1, 1]), // attributes, timestamp delta, offset delta, key and value null
    varint(count),
    headers,
  ]);
  const whole = await batchOf([{ key: null, value: 'x' }]);
  return Buffer.concat([whole.subarray(0, HEADER_BYTES), varint(body.length), body]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function fieldWriters() {
  const writeVarIntBytes = (value: Buffer | null) =>
    value === null ? varint(-1) : Buffer.concat([varint(value.length), value]);
  return { writeVarIntBytes, writeVarIntString: (text: string) => writeVarIntBytes(Buffer.from(text)) };
}

const decode = async (batch: Buffer) => decodeRecords(readBatchHeader(batch), batch);

beforeAll(registerCodecs);

describe('records', () => {
  const data = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
  const record = fc.record({
    key: data,
    value: data,
    timestampDelta: fc.oneof(fc.nat(100), fc.integer({ min: -(2 ** 45), max: 2 ** 45 })),
    headers: fc.dictionary(
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.uint8Array(), { minLength: 1, maxLength: 3 }),
    ),
  });

  test('have the bytes, offsets, times and headers that were written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1 }), fc.nat(3), async (written, compression) => {
        const records = written.map(({ headers, ...rest }, offsetDelta) => ({
          ...rest,
          offsetDelta,
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, values]) => [
              name,
              values.map((value) => Buffer.from(value)),
            ]),
          ),
        }));
        const firstTimestamp = 2 ** 41;
        const decoded = await decode(await batchOf(records, { compression, firstTimestamp }));
        expect(decoded).toEqual(
          records.map(({ key, value, timestampDelta, offsetDelta, headers }) => ({
            offset: 5 + offsetDelta,
            timestampMs: firstTimestamp + timestampDelta,
            ...{ key, value },
            headers: Object.fromEntries(
              Object.entries(headers).map(([name, values]) => [
                name,
                values.length === 1 ? values[0] : values,
              ]),
            ),
            isControlRecord: false,
            batchContext: { producerId: '-1', inTransaction: false },
          })),
        );
      }),
    );
  });

  test('have the time at which the broker got them, where the topic says so', async () => {
    const batch = await batchOf([{ value: 'a' }, { value: 'b', timestampDelta: 7 }], {
      ...{ firstTimestamp: 1000, maxTimestamp: 2000 },
    });
    batch.writeInt16BE(LOG_APPEND_TIME, ATTRIBUTES_AT);
    expect((await decode(batch)).map(({ timestampMs }) => timestampMs)).toEqual([2000, 2000]);
  });

  test('that are damaged fail as damaged, or are decoded; nothing else happens', async () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1 }),
        fc.nat(3),
        damage,
        async (written, compression, changes) => {
          const batch = await batchOf(written, { compression });
          for (const [at, byte] of changes)
            batch[ATTRIBUTES_AT + (at % (batch.length - ATTRIBUTES_AT))] = byte;
          const error: unknown = await decode(batch).then(
            () => null,
            (reason: unknown) => reason,
          );
          if (error !== null && !(error instanceof DecompressionError))
            expect(error).toBeInstanceOf(RangeError);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a batch that would fill the memory', () => {
  test('fails as damaged when it has very many records', async () => {
    const one = await batchOf([{ key: null, value: null }]);
    const record = one.subarray(HEADER_BYTES);
    const COUNT = 600_001;
    const many = Buffer.concat([one.subarray(0, HEADER_BYTES), Buffer.alloc(record.length * COUNT, record)]);
    many.writeInt32BE(COUNT, COUNT_AT);
    await expect(decode(many)).rejects.toThrow('a batch claims 600001 records or headers');
  });

  test('fails as damaged when its records have very many headers', async () => {
    // Each header is two bytes: the length of its name, and that of its value.
    await expect(decode(await batchWith(600_000, Buffer.alloc(2 * 600_000)))).rejects.toThrow('after 1');
  });
});

describe('headers', () => {
  const bytes = (text: string) => Buffer.from(text);
  const headersOf = async (headers: readonly Header[]) =>
    (await decode(await batchWithHeaders(headers)))[0]?.headers;

  test('are one value a name, or a list of all values when a name is repeated', async () => {
    const hops: Header[] = [
      ['hop', bytes('a')],
      ['once', null],
      ['hop', null],
      ['hop', bytes('c')],
    ];
    expect(await headersOf(hops)).toEqual({ hop: [bytes('a'), null, bytes('c')], once: null });
  });

  test('may have the names of properties that all objects have', async () => {
    const names = ['constructor', '__proto__', 'toString'];
    const headers = await headersOf(names.map((name) => [name, bytes(name)]));
    expect(Object.entries(headers ?? {})).toEqual(names.map((name) => [name, bytes(name)]));
  });

  // kafkajs copied all earlier ones for each: 6,000 took more than 10 s, 30,000 would take minutes.
  test.each([
    ['different names', (index: number) => `h${index}`],
    ['the same name', () => 'h'],
  ])('with %s are decoded fast, however many there are', async (_, nameOf) => {
    const batch = await batchWithHeaders(
      Array.from({ length: 30_000 }, (_, index) => [nameOf(index), bytes('')]),
    );
    const started = performance.now();
    await decode(batch);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
