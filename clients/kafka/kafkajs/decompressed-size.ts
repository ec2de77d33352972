// Finds how large compressed records are before they are decompressed: 1 MB can become 1 GB, which kills a worker. Damaged bytes
// may have any size here; the decompression reports them.

const LZ4_MAGIC = 0x184d2204;
const ZSTD_MAGIC = 0xfd2fb528;
/** Frames without data, in both formats: sixteen magic numbers. */
const SKIPPABLE_MAGIC = 0x184d2a50;
/** A compressed zstd block does not say its size. No block is larger than this. */
const ZSTD_BLOCK_BYTES = 128 * 1024;
/** Zstd's own limit for the memory of a decoder, which its highest level uses. */
const ZSTD_WINDOW_BYTES = 128 * 1024 * 1024;

/** The size that a snappy block announces: https://github.com/google/snappy/blob/main/format_description.txt */
export function snappySize(block: Buffer): number {
  let size = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = block[at] ?? 0;
    size += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) break;
  }
  return size;
}

/** The size of LZ4 frames, which most writers do not announce: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
export function lz4Size(bytes: Buffer): number {
  let size = 0;
  for (let at = 0; at + 7 <= bytes.length;) {
    const magic = bytes.readUInt32LE(at);
    if (isSkippable(magic)) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== LZ4_MAGIC) break;
    const flags = bytes.readUInt8(at + 4);
    const hasFlag = (bit: number) => (flags >> bit) & 1;
    at += 7 + 8 * hasFlag(3) + 4 * hasFlag(0); // size of the content, id of a dictionary
    while (at + 4 <= bytes.length) {
      const header = bytes.readUInt32LE(at);
      const length = header & 0x7f_ff_ff_ff;
      at += 4;
      if (length === 0) break;
      const end = Math.min(at + length, bytes.length);
      size += header === length ? lz4BlockSize(bytes, at, end) : length;
      at += length + 4 * hasFlag(4); // checksum of a block
    }
    at += 4 * hasFlag(2); // checksum of the content
  }
  return size;
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md: literals, then a match, again and again; literals at the end. */
function lz4BlockSize(bytes: Buffer, start: number, end: number): number {
  let size = 0;
  let at = start;
  const readLength = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let byte = 255; byte === 255 && at < end;) length += byte = bytes[at++] ?? 0;
    return length;
  };
  while (at < end) {
    const token = bytes[at++] ?? 0;
    const literals = readLength(token >> 4);
    at += literals;
    size += literals;
    if (at >= end) break;
    at += 2; // offset of the match
    size += readLength(token & 15) + 4;
  }
  return size;
}

/** An upper estimate of the size of zstd frames: https://www.rfc-editor.org/rfc/rfc8878 */
export function zstdSize(bytes: Buffer): number {
  let size = 0;
  for (let at = 0; at + 9 <= bytes.length;) {
    const magic = bytes.readUInt32LE(at);
    if (isSkippable(magic)) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== ZSTD_MAGIC) break;
    const { headerEnd, hasChecksum, announced, window } = zstdHeader(bytes, at);
    if (window > ZSTD_WINDOW_BYTES) return Infinity;
    let blocks = 0;
    for (at = headerEnd; at + 3 <= bytes.length;) {
      const header = bytes.readUIntLE(at, 3);
      const [isLast, type, length] = [header & 1, (header >> 1) & 3, header >> 3];
      blocks += type === ZSTD_COMPRESSED ? ZSTD_BLOCK_BYTES : length;
      at += 3 + (type === ZSTD_REPEATED ? 1 : length);
      if (isLast) break;
    }
    at += hasChecksum ? 4 : 0;
    size += announced ?? blocks;
  }
  return size;
}

const ZSTD_REPEATED = 1;
const ZSTD_COMPRESSED = 2;

function zstdHeader(bytes: Buffer, start: number) {
  const descriptor = bytes.readUInt8(start + 4);
  const isSingleSegment = ((descriptor >> 5) & 1) === 1;
  const windowByte = bytes.readUInt8(start + 5);
  const sizeAt = start + (isSingleSegment ? 5 : 6) + ([0, 1, 2, 4][descriptor & 3] ?? 0); // after the id of a dictionary
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const announced = readSize(bytes, sizeAt, sizeBytes);
  const windowBase = 2 ** (10 + (windowByte >> 3));
  return {
    headerEnd: sizeAt + sizeBytes,
    hasChecksum: ((descriptor >> 2) & 1) === 1,
    announced,
    window: isSingleSegment ? 0 : windowBase + (windowBase / 8) * (windowByte & 7),
  };
}

/** @returns null when the frame does not say its size */
function readSize(bytes: Buffer, at: number, length: number): number | null {
  if (length === 0 || at + length > bytes.length) return null;
  if (length === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, length) + (length === 2 ? 256 : 0);
}

const isSkippable = (magic: number): boolean => magic >= SKIPPABLE_MAGIC && magic < SKIPPABLE_MAGIC + 16;
