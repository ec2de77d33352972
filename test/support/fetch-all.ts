import type { FetchedRecords } from '../../clients/kafka/kafkajs/fetch.ts';
import type { DecodedRecord } from '../../clients/kafka/kafkajs/decode-records.ts';

/** The messages of all batches of a response, and the offset after the last batch; null without any. */
export async function decodeAll({ batches, ...state }: FetchedRecords) {
  const messages: DecodedRecord[] = [];
  let nextOffset: number | null = null;
  for (let next = await batches.next(); next.value !== undefined; next = await batches.next()) {
    messages.push(...next.value.messages);
    nextOffset = next.value.nextOffset;
  }
  return { ...state, messages, nextOffset };
}
