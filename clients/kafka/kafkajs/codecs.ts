import { promisify } from 'node:util';
import { gzip, unzip, type ZlibOptions } from 'node:zlib';
import { decompress as zstdDecompress } from 'fzstd';
import kafkajs from 'kafkajs';
import { compressFrame as lz4Compress, decompressFrame as lz4Decompress } from 'lz4-napi';
import { compress as snappyCompress, uncompress as snappyUncompress } from 'snappy';
import { messageOf } from '../../../domain/values/message-of.ts';
import { lz4Size, snappySize, zstdSize } from './decompressed-size.ts';

// Fault:       kafkajs 2.2.4 has gzip only.
// Consequence: a consumer crashes on a snappy, lz4 or zstd batch and does not restart.
// Remedy:      register a codec for each compression in kafkajs's registry.
// Upstream:    https://github.com/tulios/kafkajs/issues/597 and /1141.
// See docs/decisions/0006-kafkajs.md.

/** Compresses the records of a batch, and decompresses them. */
interface BatchCodec {
  readonly compress: (records: Buffer) => Promise<Buffer>;
  /** Rejects when the bytes are damaged, or become larger than `MAX_DECOMPRESSED_BYTES`. */
  readonly decompress: (bytes: Buffer) => Promise<Buffer>;
}

/**
 * The records of a batch have at most this size. Brokers limit a batch as it is sent: by default to 1 MB, compressed, which is 10 to
 * 30 MB of JSON. Without a limit 1 MB becomes up to 1 GB, which kills a worker, and then the next one.
 */
export const MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024;

function checkSize(bytes: number): void {
  if (bytes > MAX_DECOMPRESSED_BYTES)
    throw new Error(`the records have more than ${MAX_DECOMPRESSED_BYTES} bytes`);
}

/** The compressed records of a batch are damaged, or too large. */
export class DecompressionError extends Error {
  readonly code = 'KAFKA_DECOMPRESSION_FAILED';
  constructor(codec: string, cause: unknown) {
    super(`${codec}: ${messageOf(cause)}`, { cause });
    this.name = 'DecompressionError';
  }
}

/** This client reads this compression but does not write it. */
export class CompressionUnsupportedError extends Error {
  readonly code = 'KAFKA_COMPRESSION_UNSUPPORTED';
  constructor(codec: string) {
    super(
      `${codec} batches can be read but not written here; produce with gzip, snappy, lz4 or uncompressed`,
    );
    this.name = 'CompressionUnsupportedError';
  }
}

const unzipAll = promisify<Buffer, ZlibOptions, Buffer>(unzip);

const gzipCodec: BatchCodec = {
  compress: promisify<Buffer, Buffer>(gzip),
  decompress: (bytes) => unzipAll(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES }),
};

/** Java clients start snappy data with this header (xerial's SnappyOutputStream): magic, version 1, compatible with 1. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);

/**
 * Java clients split the records into blocks and write the length before each block. librdkafka and others write one block
 * without header or length. Reads both, writes the format of Java clients.
 */
export const snappyCodec: BatchCodec = {
  async compress(records) {
    const block = await snappyCompress(records);
    return Buffer.concat([XERIAL_HEADER, encodeLength(block), block]);
  },
  async decompress(bytes) {
    if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return decompressBlock(bytes);
    const blocks: Buffer[] = [];
    let size = 0;
    for (let position = XERIAL_HEADER.length; position < bytes.length;) {
      const start = position + 4;
      const end = start + bytes.readInt32BE(position);
      if (end < start || end > bytes.length)
        throw new Error(`the block at byte ${position} claims ${end - start} bytes of ${bytes.length}`);
      const block = bytes.subarray(start, end);
      size += snappySize(block);
      checkSize(size);
      blocks.push(await decompressBlock(block));
      position = end;
    }
    return Buffer.concat(blocks);
  },
};

async function decompressBlock(block: Buffer): Promise<Buffer> {
  checkSize(snappySize(block));
  const records = await snappyUncompress(block, { asBuffer: true });
  return typeof records === 'string' ? Buffer.from(records) : records;
}

function encodeLength(block: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  return length;
}

/** LZ4 in its frame format, which Kafka's record batches v2 use. */
export const lz4Codec: BatchCodec = {
  compress: (records) => lz4Compress(records),
  decompress: async (bytes) => {
    checkSize(lz4Size(bytes));
    return lz4Decompress(bytes);
  },
};

/** Read only: Node has zstd since 22.15, and no maintained library that writes it installs without an install script. */
export const zstdCodec: BatchCodec = {
  compress: () => Promise.reject(new CompressionUnsupportedError('zstd')),
  // The library throws on damaged bytes; inside `then` that is a rejection, as with the other codecs.
  decompress: async (bytes) => {
    const { buffer, byteOffset, byteLength } = await Promise.resolve(bytes).then((data) => {
      checkSize(zstdSize(data));
      return zstdDecompress(data);
    });
    return Buffer.from(buffer, byteOffset, byteLength);
  },
};

/**
 * Registers all compressions of Kafka with kafkajs: gzip, snappy and lz4 for reading and writing, zstd for reading. The
 * registry is global, so all clients of the process use them; calling it again changes nothing. Decompressing damaged bytes
 * throws a DecompressionError.
 */
export function registerCodecs(): void {
  const { CompressionCodecs: codecs, CompressionTypes: types } = kafkajs;
  codecs[types.GZIP] = toKafkajsCodec('gzip', gzipCodec);
  codecs[types.Snappy] = toKafkajsCodec('snappy', snappyCodec);
  codecs[types.LZ4] = toKafkajsCodec('lz4', lz4Codec);
  codecs[types.ZSTD] = toKafkajsCodec('zstd', zstdCodec);
}

/** kafkajs passes its encoder to `compress` and plain bytes to `decompress`. */
const toKafkajsCodec = (name: string, { compress, decompress }: BatchCodec) => {
  const codec = {
    compress: ({ buffer }: { buffer: Buffer }) => compress(buffer),
    decompress: (bytes: Buffer) =>
      decompress(bytes).catch((error: unknown) => {
        throw new DecompressionError(name, error);
      }),
  };
  return () => codec;
};
