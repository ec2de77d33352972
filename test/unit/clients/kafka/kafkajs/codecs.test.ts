import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  CompressionUnsupportedError,
  DecompressionError,
  lz4Codec,
  MAX_DECOMPRESSED_BYTES,
  registerCodecs,
  snappyCodec,
  zstdCodec,
} from '../../../../../clients/kafka/kafkajs/codecs.ts';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** A codec in kafkajs's registry. */
interface RegisteredCodec {
  readonly compress: (encoder: { buffer: Buffer }) => Promise<Buffer>;
  readonly decompress: (bytes: Buffer) => Promise<Buffer>;
}
const registered = (type: keyof typeof CompressionCodecs) => CompressionCodecs[type]() as RegisteredCodec;
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

beforeAll(registerCodecs);

describe.each([
  ['gzip', CompressionTypes.GZIP],
  ['snappy', CompressionTypes.Snappy],
  ['lz4', CompressionTypes.LZ4],
] as const)('%s', (name, type) => {
  test('decompresses what it compressed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        const records = Buffer.from(bytes);
        const { compress, decompress } = registered(type);
        expect(await decompress(await compress({ buffer: records }))).toEqual(records);
      }),
    );
  });

  test('compresses similar records to less than a tenth, also over several blocks', async () => {
    const records = Buffer.from('{"platform":"tiktok"}'.repeat(50_000));
    const { compress, decompress } = registered(type);
    const bytes = await compress({ buffer: records });
    expect(bytes.length).toBeLessThan(records.length / 10);
    expect((await decompress(bytes)).equals(records)).toBe(true);
  });

  test('decompresses to the limit, and rejects what becomes larger', async () => {
    const { compress, decompress } = registered(type);
    const largest = Buffer.alloc(MAX_DECOMPRESSED_BYTES, 'ab');
    expect(await decompress(await compress({ buffer: largest }))).toHaveLength(MAX_DECOMPRESSED_BYTES);
    const larger = await compress({ buffer: Buffer.concat([largest, Buffer.from('c')]) });
    await expect(decompress(larger)).rejects.toThrow(DecompressionError);
  });

  test('reports damaged bytes with the name of the codec', async () => {
    const { compress, decompress } = registered(type);
    const bytes = await compress({ buffer: Buffer.from('{"platform":"tiktok"}'.repeat(50)) });
    const damaged = decompress(bytes.subarray(0, bytes.length - 10));
    await expect(damaged).rejects.toThrow(DecompressionError);
    await expect(damaged).rejects.toThrow(`${name}: `);
    await expect(decompress(Buffer.from('not compressed at all'))).rejects.toThrow(DecompressionError);
  });
});

describe('snappy', () => {
  /** "hello": 5 bytes in total, a literal of 5 bytes. */
  const HELLO = hex('05 10 68656c6c6f');
  /** "aaaaaaaa": 8 bytes in total, a literal of 1 byte, then a copy of 7 bytes from 1 byte before. */
  const EIGHT_A = hex('08 00 61 0d 01');
  const HEADER = hex('82 534e41505059 00 00000001 00000001');

  test('reads a single block without header, as librdkafka writes it', async () => {
    expect(String(await snappyCodec.decompress(HELLO))).toBe('hello');
    expect(String(await snappyCodec.decompress(EIGHT_A))).toBe('aaaaaaaa');
  });

  test('reads one or several blocks of Java clients', async () => {
    expect(String(await snappyCodec.decompress(Buffer.concat([HEADER, hex('00000007'), HELLO])))).toBe(
      'hello',
    );
    const two = Buffer.concat([HEADER, hex('00000007'), HELLO, hex('00000005'), EIGHT_A]);
    expect(String(await snappyCodec.decompress(two))).toBe('helloaaaaaaaa');
    expect(await snappyCodec.decompress(HEADER)).toHaveLength(0);
  });

  test('writes the blocks of Java clients', async () => {
    const bytes = await snappyCodec.compress(Buffer.from('hello'));
    expect(bytes).toEqual(Buffer.concat([HEADER, hex('00000007'), HELLO]));
  });

  test.each([
    ['extends beyond the end', '00000008'],
    ['has a negative length', 'ffffffff'],
    ['ends within its length', '0000'],
  ])('rejects a block that %s', async (_what, length) => {
    const bytes = Buffer.concat([HEADER, hex(length), ...(length.length === 8 ? [HELLO] : [])]);
    await expect(snappyCodec.decompress(bytes)).rejects.toThrow();
  });
});

describe('lz4', () => {
  test('reads the frame format', async () => {
    // Magic; version 1, independent blocks; blocks of 64 KB; header checksum; 5 uncompressed bytes; end mark.
    const frame = hex('04224d18 60 40 82 05000080 68656c6c6f 00000000');
    expect(String(await lz4Codec.decompress(frame))).toBe('hello');
  });
});

describe('zstd', () => {
  // Magic; content size in one byte: 5; last block, raw, 5 bytes.
  const SIZED = hex('28b52ffd 20 05 290000 68656c6c6f');
  // Magic; no content size, window of 1 KB; last block, raw, 5 bytes: what stream writers produce, such as Java clients.
  const STREAMED = hex('28b52ffd 00 00 290000 68656c6c6f');
  const { decompress, compress } = zstdCodec;

  test('reads frames with and without a content size', async () => {
    expect(String(await decompress(SIZED))).toBe('hello');
    expect(String(await decompress(STREAMED))).toBe('hello');
    // One byte repeated 1,000 times.
    expect(String(await decompress(hex('28b52ffd 00 00 431f00 61')))).toBe('a'.repeat(1000));
  });

  test('rejects compression, with an error that says it is read only', async () => {
    await expect(compress(Buffer.from('x'))).rejects.toThrow(CompressionUnsupportedError);
    await expect(compress(Buffer.from('x'))).rejects.toThrow('zstd batches can be read but not written here');
  });

  test.each([
    ['announces 1 GB', '28b52ffd a0 00000040 290000 68656c6c6f'],
    ['repeats a byte for more than the limit', `28b52ffd 00 58 ${'02001061'.repeat(600)} 03001061`],
    [
      'is a small frame before a large one',
      `28b52ffd 2005 290000 68656c6c6f 28b52ffd a0 00000040 290000 68656c6c6f`,
    ],
    ['needs a window of 1 GB', '28b52ffd 00 a0 290000 68656c6c6f'],
  ])('rejects a frame that %s', async (_what, frame) => {
    const { decompress: read } = registered(CompressionTypes.ZSTD);
    await expect(read(hex(frame))).rejects.toThrow(`more than ${MAX_DECOMPRESSED_BYTES} bytes`);
  });

  test('reports damaged bytes', async () => {
    const damaged = registered(CompressionTypes.ZSTD).decompress(STREAMED.subarray(0, 10));
    await expect(damaged).rejects.toThrow(DecompressionError);
    await expect(damaged).rejects.toThrow('zstd: ');
  });
});

test('registering the codecs twice works as once', async () => {
  registerCodecs();
  registerCodecs();
  const { compress, decompress } = registered(CompressionTypes.LZ4);
  expect(String(await decompress(await compress({ buffer: Buffer.from('twice') })))).toBe('twice');
});
