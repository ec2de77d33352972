import fc from 'fast-check';
import { compressFrame, type FrameCompressOptions } from 'lz4-napi';
import { compress as snappyCompress } from 'snappy';
import { expect, test } from 'vitest';
import { lz4Size, snappySize, zstdSize } from '../../../../../clients/kafka/kafkajs/decompressed-size.ts';

/** Bytes that compress well, and bytes that do not. */
const records = fc.oneof(
  fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 10_000 }))
    .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes))),
);
const frameOptions: fc.Arbitrary<FrameCompressOptions> = fc.record({
  contentChecksum: fc.boolean(),
  blockChecksums: fc.boolean(),
});
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('the size of snappy blocks and of LZ4 frames is exactly that of what was compressed', async () => {
  await fc.assert(
    fc.asyncProperty(records, frameOptions, async (bytes, options) => {
      expect(snappySize(await snappyCompress(bytes))).toBe(bytes.length);
      const frame = await compressFrame(bytes, options);
      expect(lz4Size(frame)).toBe(bytes.length);
      const skippable = hex('5a2a4d18 02000000 ffff');
      expect(lz4Size(Buffer.concat([skippable, frame, frame]))).toBe(2 * bytes.length);
    }),
  );
});

test('the size of a zstd frame is what it announces, or at least what its blocks have', () => {
  expect(zstdSize(hex('28b52ffd 20 05 290000 68656c6c6f'))).toBe(5);
  expect(zstdSize(hex('28b52ffd 60 0102 290000 68656c6c6f'))).toBe(0x201 + 256);
  expect(zstdSize(hex('28b52ffd 00 00 290000 68656c6c6f'))).toBe(5);
  expect(zstdSize(hex('28b52ffd 00 00 431f00 61'))).toBe(1000);
  // "hello" twice and a skippable frame; the second one has a checksum.
  expect(
    zstdSize(
      hex('28b52ffd 00 00 290000 68656c6c6f 502a4d18 01000000 ff 28b52ffd 04 00 290000 68656c6c6f 00000000'),
    ),
  ).toBe(10);
});

test('damaged bytes have some size, or make a reader read beyond their end', async () => {
  await fc.assert(
    fc.asyncProperty(
      records,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      async (bytes, changes) => {
        const frame = await compressFrame(bytes);
        for (const [at, byte] of changes) frame[4 + (at % (frame.length - 4))] = byte;
        for (const sizeOf of [snappySize, lz4Size, zstdSize]) expect(sizeOf(frame)).toBeGreaterThanOrEqual(0);
        const zstd = Buffer.concat([hex('28b52ffd'), frame]);
        expect(zstdSize(zstd)).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});
