import { messageBytes } from '../../clients/kafka/message-size.ts';
import type { InputRecord } from '../../clients/kafka/read-records.ts';
import { toMessage } from '../../clients/kafka/to-message.ts';
import type { TransactionOutput } from '../../clients/kafka/transactions.ts';
import { bareDeadLetterRecord, deadLetterRecord } from '../../domain/scoring/dead-letter-record.ts';
import type { OutputRecord } from '../../domain/scoring/output-record.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import { deadLetterTopic, LEDGER_TOPIC } from '../../domain/scoring/topics.ts';
import type { BatchResult, WrittenBatch } from './micro-batch.ts';

/**
 * The messages of a transaction: outputs, dead letters and the ledger record.
 * @param maxDeadLetterBytes larger dead letters are written without value and headers (docs/dead-letters.md)
 */
export function buildOutput(
  input: TopicPartition,
  records: readonly InputRecord[],
  { deadLetters: rejected, outputs }: Pick<BatchResult, 'deadLetters'> & Pick<WrittenBatch, 'outputs'>,
  ledger: OutputRecord,
  maxDeadLetterBytes: number,
): TransactionOutput['records'] {
  const byOffset = new Map(records.map((record) => [record.offset, record]));
  const deadLetters = rejected.flatMap((record) => {
    const original = byOffset.get(record.offset);
    if (original === undefined) return [];
    const message = toMessage(deadLetterRecord(input, original, record));
    return messageBytes(message) > maxDeadLetterBytes
      ? [toMessage(bareDeadLetterRecord(input, original, record))]
      : [message];
  });
  return [
    ...outputs.map(({ topic, records: all }) => ({ topic, messages: all.map(toMessage) })),
    { topic: deadLetterTopic(input.topic), messages: deadLetters },
    { topic: LEDGER_TOPIC, messages: [toMessage(ledger)] },
  ].filter(({ messages }) => messages.length > 0);
}
