import { expect, test } from 'vitest';
import { createKafkaClient } from '../../../../clients/kafka/client.ts';

test('the warnings of kafkajs are logged, but not the one that each transactional producer causes', () => {
  const warnings: string[] = [];
  const kafka = createKafkaClient(['127.0.0.1:1'], 'test', (_level, message) => warnings.push(message));
  kafka.producer({ transactionalId: 'id', idempotent: true });
  // kafkajs says once in a process that its default partitioner has changed.
  expect(warnings).toEqual([expect.stringContaining('default partitioner')]);
});
