import kafkajs from 'kafkajs';
import { z } from 'zod';
import { SCORES_TOPIC } from '../../domain/scoring/output-record.ts';

/**
 * A process that takes the transactional ids of a loop, as a second system with the same configuration would. It writes a forged
 * score under each id and leaves the transactions open.
 */
const { KAFKA_BROKERS, SCORING_GROUP, CHAOS_TOPIC, CHAOS_PARTITIONS } = z
  .object({
    KAFKA_BROKERS: z.string(),
    SCORING_GROUP: z.string(),
    CHAOS_TOPIC: z.string(),
    CHAOS_PARTITIONS: z.coerce.number(),
  })
  .parse(process.env);
process.once('disconnect', () => process.exit());

const kafka = new kafkajs.Kafka({
  brokers: KAFKA_BROKERS.split(','),
  logLevel: kafkajs.logLevel.NOTHING,
  retry: { retries: 50, initialRetryTime: 20, maxRetryTime: 500 },
});
for (let partition = 0; partition < CHAOS_PARTITIONS; partition += 1) {
  const producer = kafka.producer({
    transactionalId: `${SCORING_GROUP}/${CHAOS_TOPIC}/${partition}`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  const forged = { kol_id: 'forged', event_time_ms: 0, source: { topic: CHAOS_TOPIC, partition, offset: 0 } };
  await transaction
    .send({ topic: SCORES_TOPIC, messages: [{ key: 'forged', value: JSON.stringify(forged) }] })
    .then(
      () => process.stdout.write(`holds ${partition}\n`),
      // A worker may already have taken the id back.
      (error: unknown) => process.stdout.write(`lost ${partition}: ${String(error)}\n`),
    );
}
process.stdout.write('hijacked\n');
setInterval(() => {}, 60_000);
