import { promisify } from 'node:util';
import { gzip, unzip } from 'node:zlib';
import { decompress as zstdDecompress } from 'fzstd';
import kafkajs from 'kafkajs';
import { compressFrame as lz4Compress, decompressFrame as lz4Decompress } from 'lz4-napi';
import { compress as snappyCompress, uncompress as snappyUncompress } from 'snappy';

/** Turns the records of a batch into what is on the wire, and back. */
export interface BatchCodec {
  readonly compress: (records: Buffer) => Promise<Buffer>;
  /** Rejects with the library's Error, or one of ours, when the bytes are damaged. */
  readonly decompress: (bytes: Buffer) => Promise<Buffer>;
}

/** The compressed records of a batch could not be unpacked: they are damaged. */
export class DecompressionError extends Error {
  readonly code = 'KAFKA_DECOMPRESSION_FAILED';
  constructor(codec: string, cause: unknown) {
    super(`${codec}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'DecompressionError';
  }
}

/** Asked to compress in a way that this client only reads. */
export class CompressionUnsupportedError extends Error {
  readonly code = 'KAFKA_COMPRESSION_UNSUPPORTED';
  constructor(codec: string) {
    super(
      `${codec} batches can be read but not written here; produce with gzip, snappy, lz4 or uncompressed`,
    );
    this.name = 'CompressionUnsupportedError';
  }
}

const gzipCodec: BatchCodec = {
  compress: promisify<Buffer, Buffer>(gzip),
  decompress: promisify<Buffer, Buffer>(unzip),
};

/** What Java clients put before snappy data (xerial's SnappyOutputStream): magic, version 1, compatible with 1. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);

/** Java clients cut records into blocks, each led by its length; librdkafka and others write one bare block. Both are read. */
export const snappyCodec: BatchCodec = {
  async compress(records) {
    const block = await snappyCompress(records);
    return Buffer.concat([XERIAL_HEADER, lengthOf(block), block]);
  },
  async decompress(bytes) {
    if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return unsnap(bytes);
    const blocks: Buffer[] = [];
    for (let position = XERIAL_HEADER.length; position < bytes.length;) {
      const start = position + 4;
      const end = start + bytes.readInt32BE(position);
      if (end < start || end > bytes.length)
        throw new Error(`a block of ${end - start} bytes at ${position}, of ${bytes.length} in all`);
      blocks.push(await unsnap(bytes.subarray(start, end)));
      position = end;
    }
    return Buffer.concat(blocks);
  },
};
async function unsnap(block: Buffer): Promise<Buffer> {
  const records = await snappyUncompress(block, { asBuffer: true });
  return typeof records === 'string' ? Buffer.from(records) : records;
}

function lengthOf(block: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  return length;
}

/** LZ4 in its frame format, as Kafka's record batches v2 have it. */
export const lz4Codec: BatchCodec = {
  compress: (records) => lz4Compress(records),
  decompress: (bytes) => lz4Decompress(bytes),
};

/** Reads only: Node's own zstd came with 22.15, and no well-kept library that writes it installs without a script. */
export const zstdCodec: BatchCodec = {
  compress: () => Promise.reject(new CompressionUnsupportedError('zstd')),
  // Async, so that damaged bytes are a rejection as with the others.
  decompress: async (bytes) => {
    const { buffer, byteOffset, byteLength } = await Promise.resolve(bytes).then((data) =>
      zstdDecompress(data),
    );
    return Buffer.from(buffer, byteOffset, byteLength);
  },
};

/**
 * Makes kafkajs read (and, but for zstd, write) every compression that Kafka has; by itself it knows gzip and fails on the
 * others. The registry belongs to the module kafkajs, so this concerns all clients of the process; doing it again changes
 * nothing. Damaged bytes are a DecompressionError.
 */
export function registerCodecs(): void {
  const { CompressionCodecs: codecs, CompressionTypes: types } = kafkajs;
  codecs[types.GZIP] = forKafkajs('gzip', gzipCodec);
  codecs[types.Snappy] = forKafkajs('snappy', snappyCodec);
  codecs[types.LZ4] = forKafkajs('lz4', lz4Codec);
  codecs[types.ZSTD] = forKafkajs('zstd', zstdCodec);
}

/** kafkajs hands over its encoder to compress, and plain bytes to decompress. */
const forKafkajs = (name: string, { compress, decompress }: BatchCodec) => {
  const codec = {
    compress: ({ buffer }: { buffer: Buffer }) => compress(buffer),
    decompress: (bytes: Buffer) =>
      decompress(bytes).catch((error: unknown) => {
        throw new DecompressionError(name, error);
      }),
  };
  return () => codec;
};
