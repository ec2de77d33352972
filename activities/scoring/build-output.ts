import type { Message } from 'kafkajs';
import { messageBytes } from '../../clients/kafka/message-size.ts';
import type { InputRecord } from '../../clients/kafka/range-reader.ts';
import type { Output } from '../../clients/kafka/transactions.ts';
import {
  bareDeadLetterRecord,
  deadLetterRecord,
  type OutputRecord,
  type RangePlace,
} from '../../domain/scoring/output-records.ts';
import { deadLetterTopic, LEDGER_TOPIC } from '../../domain/scoring/topics.ts';
import type { RangeResult } from './score-range.ts';

/**
 * Outputs, dead letters and the ledger as Kafka takes them.
 * @param bareAbove bytes: larger dead letters go without what makes them so (docs/dead-letters.md)
 */
export function buildOutput(
  place: RangePlace,
  records: readonly InputRecord[],
  result: RangeResult,
  ledger: OutputRecord,
  bareAbove: number,
): Output['records'] {
  const byOffset = new Map(records.map((record) => [record.offset, record]));
  const deadLetters = result.deadLetters.flatMap((rejected) => {
    const original = byOffset.get(rejected.offset);
    if (original === undefined) return [];
    const letter = kafkaMessage(deadLetterRecord(place, original, rejected));
    return messageBytes(letter) > bareAbove
      ? [kafkaMessage(bareDeadLetterRecord(place, original, rejected))]
      : [letter];
  });
  const outputs = result.outputs.map((output) => ({ ...output, records: output.records.map(kafkaMessage) }));
  return [
    ...outputs,
    { topic: deadLetterTopic(place.topic), records: deadLetters },
    { topic: LEDGER_TOPIC, records: [kafkaMessage(ledger)] },
  ]
    .filter((output) => output.records.length > 0)
    .map((output) => ({ topic: output.topic, messages: output.records }));
}

/** kafkajs writes a list as a header of that name for each value. */
const kafkaMessage = ({ key, value, headers }: OutputRecord): Message => ({
  key: asBuffer(key),
  value: asBuffer(value),
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, header]) => [
      name,
      Array.isArray(header) ? header.map((value) => Buffer.from(value)) : Buffer.from(header),
    ]),
  ),
});

const asBuffer = (data: Uint8Array | string | null): Buffer | null =>
  data === null ? null : Buffer.from(data);
