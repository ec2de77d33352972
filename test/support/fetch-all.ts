import type { FetchedRecords } from '../../clients/kafka/kafkajs/fetch.ts';
import type { RecordBatch } from '../../clients/kafka/kafkajs/record-batches.ts';

/** The messages of all batches of a response, and the offset after the last batch; null without any. */
export async function decodeAll({ batches, ...state }: FetchedRecords) {
  const messages: RecordBatch['messages'] = [];
  let nextOffset: number | null = null;
  for (let next = await batches.next(); next.value !== undefined; next = await batches.next()) {
    messages.push(...next.value.messages);
    nextOffset = next.value.nextOffset;
  }
  return { ...state, messages, nextOffset };
}
