import kafkajs, { type Message } from 'kafkajs';

/**
 * Bytes that one produce request sends to a partition at most. kafkajs puts all messages of a request for a partition into
 * one batch, and brokers refuse batches over 1,048,588 bytes by default (`message.max.bytes`). The rest is a margin for what
 * `messageBytes` only estimates.
 */
export const SEND_BYTES = 800_000;

/** Upper estimate of what a record needs for its lengths, offset and timestamp. */
const RECORD_OVERHEAD = 64;
const HEADER_OVERHEAD = 10;

type Data = Buffer | string | null | undefined;

/** A message to send, or one that was read. */
interface SizedMessage extends Pick<Message, 'key' | 'value'> {
  readonly headers?: Readonly<Record<string, Data | readonly Data[]>>;
}

/** Upper estimate of the bytes that a message takes in its batch, uncompressed. */
export function messageBytes({ key, value, headers = {} }: SizedMessage): number {
  let bytes = RECORD_OVERHEAD + byteLength(key) + byteLength(value);
  for (const [name, header] of Object.entries(headers))
    for (const headerValue of Array.isArray(header) ? (header as readonly Data[]) : [header as Data])
      bytes += HEADER_OVERHEAD + byteLength(name) + byteLength(headerValue);
  return bytes;
}

const byteLength = (data: Data) => (data == null ? 0 : Buffer.byteLength(data));

/**
 * Splits items, in order, into runs of at most `SEND_BYTES` in total. A larger item gets a run of its own.
 * @param messageOf returns the message that an item is sent as
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
 * The compression for a run of `splitBySize`. Only a run of one message can exceed the limit. Such a record came compressed,
 * or in a batch with fewer headers, so compress it: brokers check the compressed size.
 */
export function chooseCompression([first, ...others]: readonly Message[]): kafkajs.CompressionTypes {
  const exceedsLimit = first !== undefined && others.length === 0 && messageBytes(first) > SEND_BYTES;
  return exceedsLimit ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None;
}
