import kafkajs, { type Message } from 'kafkajs';

/**
 * Messages sent at once make one batch a partition, and brokers refuse batches over 1,048,588 bytes by default
 * (`message.max.bytes`): kafkajs does not cut them up. This leaves room for what is not counted exactly.
 */
export const SEND_BYTES = 800_000;

/** What lengths, offset and time of a record take at most, more or less. */
const RECORD_OVERHEAD = 64;
const HEADER_OVERHEAD = 10;

/** About how many bytes a message takes in its batch, never fewer. */
export function messageBytes({ key, value, headers = {} }: Message): number {
  let bytes = RECORD_OVERHEAD + bytesOf(key) + bytesOf(value);
  for (const [name, header] of Object.entries(headers))
    for (const one of Array.isArray(header) ? header : [header])
      bytes += HEADER_OVERHEAD + bytesOf(name) + bytesOf(one);
  return bytes;
}

const bytesOf = (data: Buffer | string | null | undefined) => (data == null ? 0 : Buffer.byteLength(data));

/**
 * Cuts items into runs, in their order, of at most `SEND_BYTES` in all; an item that is larger makes a run of its own.
 * @param messageOf the message an item will be sent as
 */
export function* splitBySize<T>(items: readonly T[], messageOf: (item: T) => Message): Generator<T[]> {
  let run: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = messageBytes(messageOf(item));
    if (run.length > 0 && bytes + size > SEND_BYTES) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(item);
    bytes += size;
  }
  if (run.length > 0) yield run;
}

/**
 * How to send a run of `bySize`, of which only one of a single message can be too large as it is. It came compressed, or with less
 * about it: brokers go by what a batch has when it is compressed.
 */
export function chooseCompression([first, ...others]: readonly Message[]): kafkajs.CompressionTypes {
  const isLarge = first !== undefined && others.length === 0 && messageBytes(first) > SEND_BYTES;
  return isLarge ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None;
}
