import { createRequire } from 'node:module';

// Fault:       the encoder of kafkajs 2.2.4 gives each record a zeroed buffer of 512 bytes, writes each varint through an array and a
//              buffer of its own, and computes timestamps with BigInt.
// Consequence: encoding an event costs more than parsing and validating it, and leaves garbage for the collector.
// Patch:       take buffers from Node's pool when the first bytes are written, and write varints into them directly.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** The parts of kafkajs's encoder that the patch uses. */
interface Encoder {
  buf: Buffer;
  offset: number;
}

interface EncoderClass {
  readonly prototype: {
    ensureAvailable: (this: Encoder, length: number) => void;
    writeUVarInt: (this: Encoder, value: number) => Encoder;
    writeVarLong: (this: Encoder, value: unknown) => Encoder;
  };
  /** Sizes the buffers of new encoders. */
  nextPowerOfTwo: (value: number) => number;
  encodeZigZag: (value: number) => number;
  sizeOfVarInt: (value: number) => number;
  sizeOfVarLong: (value: unknown) => number;
}

const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder') as EncoderClass;
const { nextPowerOfTwo, sizeOfVarLong } = Encoder;
const { writeVarLong } = Encoder.prototype;
let patched = false;

const MIN_BYTES = 64;
const MAX_VARINT_BYTES = 5;

/** Makes encoding cheap. Applies to all clients of the process; calling it again does nothing. */
export function patchEncoder(): void {
  if (patched) return;
  patched = true;
  const { prototype } = Encoder;
  Encoder.nextPowerOfTwo = () => 0; // a new encoder has no buffer
  prototype.ensureAvailable = function (this: Encoder, length: number) {
    const needed = this.offset + length;
    if (needed <= this.buf.length) return;
    const larger = Buffer.allocUnsafe(nextPowerOfTwo(Math.max(needed, MIN_BYTES)));
    this.buf.copy(larger, 0, 0, this.offset);
    this.buf = larger;
  };
  prototype.writeUVarInt = function (this: Encoder, value: number) {
    prototype.ensureAvailable.call(this, MAX_VARINT_BYTES);
    let rest = value >>> 0;
    for (; rest >= 0x80; rest >>>= 7) this.buf[this.offset++] = (rest & 0x7f) | 0x80;
    this.buf[this.offset++] = rest;
    return this;
  };
  prototype.writeVarLong = function (this: Encoder, value: unknown) {
    return isSmall(value)
      ? prototype.writeUVarInt.call(this, Encoder.encodeZigZag(value))
      : writeVarLong.call(this, value);
  };
  Encoder.sizeOfVarLong = (value) =>
    isSmall(value) ? Encoder.sizeOfVarInt(value) : sizeOfVarLong.call(Encoder, value);
}

/** Whether the zigzag form of a number has at most 31 bits: there it is the same for 32-bit and 64-bit numbers. */
const isSmall = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 30;
