import { createKafkaClient } from '../../clients/kafka/client.ts';
import { createRecordReader, type RecordReader } from '../../clients/kafka/record-reader.ts';
import type { Score } from '../../domain/entities/score.ts';
import { parseDeadLetter, type DeadLetter } from '../../domain/scoring/dead-letter.ts';
import { SCORES_TOPIC } from '../../domain/scoring/output-record.ts';
import type { LoopHarness } from './loop-harness.ts';
import { readTopics } from './read-topics.ts';

/** Creates a reader that keeps the bytes of records. */
export const testRecordReader = ({ config }: LoopHarness): RecordReader =>
  createRecordReader(createKafkaClient(config.KAFKA_BROKERS, 'test-outputs', () => {}));

/** All dead letters of an input topic. */
export async function readDeadLetters(reader: RecordReader, inputTopic: string): Promise<DeadLetter[]> {
  const topic = `${inputTopic}.dlq`;
  const { records } = await reader.read({ topic, partition: 0, offset: 0 }, Infinity);
  return records.map((record) => parseDeadLetter(record, topic, 0));
}

/** The KOLs in scores.stream by input topic, as a reader other than kafkajs sees them. */
export async function readScoredKols({ config }: LoopHarness): Promise<Record<string, string[]>> {
  const records = await readTopics(config.KAFKA_BROKERS.join(), SCORES_TOPIC);
  const byTopic: Record<string, string[]> = {};
  for (const { key, value } of records) {
    const topic = (JSON.parse(value) as Score).source?.topic ?? '';
    byTopic[topic] = [...(byTopic[topic] ?? []), key].sort();
  }
  return byTopic;
}
