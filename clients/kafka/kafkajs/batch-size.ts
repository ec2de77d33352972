import { createRequire } from 'node:module';
import kafkajs, { type Message } from 'kafkajs';
import { HEADER_BYTES } from './decode-records.ts';

// kafkajs 2.2.4 does not tell how large a batch becomes. This file uses its encoder. See docs/decisions/0006-kafkajs.md.

const encodeRecord = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/record/v0') as (
  message: Message,
) => { readonly buffer: Buffer };

type Codec = () => { readonly compress: (encoder: object) => Promise<Buffer> };

/** Exact bytes of a batch that holds this message only, as brokers compare it with their limits. */
export async function batchBytes(message: Message, compression: kafkajs.CompressionTypes): Promise<number> {
  const record = encodeRecord(message);
  if (compression === kafkajs.CompressionTypes.None) return HEADER_BYTES + record.buffer.length;
  const codec = kafkajs.CompressionCodecs[compression] as Codec;
  return HEADER_BYTES + (await codec().compress(record)).length;
}
