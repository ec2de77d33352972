import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { z } from 'zod';
import { produce } from './produce.ts';
import { seededRandom } from './random.ts';
import { madeUpSubjects, subjectsFromLakehouse } from './subjects.ts';

const settings = z
  .object({
    KAFKA_BROKERS: z.string().min(1),
    TRINO_URL: z.url().optional(),
    TRINO_CATALOG: z.string().default('iceberg'),
    TRINO_SCHEMA: z.string().default('kol_silver'),
    TRINO_USER: z.string().default('kol-producer'),
    PRODUCER_RATE: z.coerce.number().positive().max(10_000).default(2),
    PRODUCER_BAD_SHARE: z.coerce.number().min(0).max(1).default(0.01),
    PRODUCER_SEED: z.coerce
      .number()
      .int()
      .default(() => Date.now()),
  })
  // Compose files write unset variables as empty ones.
  .parse(Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== '')));

const log = pino({ name: 'producer' });
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const kafka = new kafkajs.Kafka({
  clientId: 'kol-producer',
  brokers: settings.KAFKA_BROKERS.split(',').map((broker) => broker.trim()),
  connectionTimeout: 3_000,
  requestTimeout: 10_000,
  // What is left after these is tried again by `produce`, which can be stopped in between.
  retry: { initialRetryTime: 100, retries: 5, maxRetryTime: 2_000 },
  logLevel: kafkajs.logLevel.NOTHING,
});
const producer = kafka.producer({
  allowAutoTopicCreation: true,
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
});
const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

const random = seededRandom(settings.PRODUCER_SEED);
try {
  const subjects =
    settings.TRINO_URL === undefined
      ? madeUpSubjects(random)
      : await subjectsFromLakehouse(
          {
            trinoUrl: settings.TRINO_URL,
            catalog: settings.TRINO_CATALOG,
            schema: settings.TRINO_SCHEMA,
            user: settings.TRINO_USER,
          },
          (reason) => log.warn({ reason }, 'waiting for the lakehouse'),
          stop.signal,
        );
  await connect();
  const { PRODUCER_RATE: rate, PRODUCER_BAD_SHARE: badShare } = settings;
  const { profiles, videos } = subjects;
  log.info({ rate, badShare, profiles: profiles.length, videos: videos.length }, 'producing');
  const sent = await produce({
    producer,
    subjects,
    random,
    rate,
    badShare,
    signal: stop.signal,
    onFailure: (error) => log.warn({ reason: message(error) }, 'Kafka did not take the events, trying again'),
  });
  log.info({ sent }, 'stopped');
} catch (error) {
  if (!stop.signal.aborted) throw error;
  log.info({ sent: 0 }, 'stopped before the first event');
} finally {
  await producer.disconnect();
}

/** Waits for Kafka as for the lakehouse: the order in which things start does not matter. */
async function connect(): Promise<void> {
  for (;;) {
    try {
      return await producer.connect();
    } catch (error) {
      log.warn({ reason: message(error) }, 'waiting for Kafka');
      await sleep(1_000, undefined, { signal: stop.signal });
    }
  }
}
