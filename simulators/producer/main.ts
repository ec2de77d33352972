import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Producer } from 'kafkajs';
import { pino } from 'pino';
import { z } from 'zod';
import { messageOf } from '../../domain/values/message-of.ts';
import { readEnvironment } from '../environment.ts';
import { produce } from './produce.ts';
import { seededRandom, type Random } from './random.ts';
import { sampleLakehouse } from './sample-lakehouse.ts';
import type { Subjects } from './subjects.ts';
import { syntheticSubjects } from './synthetic-subjects.ts';

const settings = readEnvironment(
  z.object({
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
  }),
);

const log = pino({ name: 'producer' });
const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());

const kafka = new kafkajs.Kafka({
  clientId: 'kol-producer',
  brokers: settings.KAFKA_BROKERS.split(',').map((broker) => broker.trim()),
  connectionTimeout: 3_000,
  requestTimeout: 10_000,
  // After these retries `produce` tries again; between its attempts it can be stopped.
  retry: { initialRetryTime: 100, retries: 5, maxRetryTime: 2_000 },
  logLevel: kafkajs.logLevel.NOTHING,
});
const producer = kafka.producer({
  allowAutoTopicCreation: true,
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
});

const random = seededRandom(settings.PRODUCER_SEED);
try {
  const subjects = await findSubjects(random);
  await connect(producer);
  const { PRODUCER_RATE: rate, PRODUCER_BAD_SHARE: badShare } = settings;
  const { profiles, videos } = subjects;
  log.info({ rate, badShare, profiles: profiles.length, videos: videos.length }, 'producing');
  const sent = await produce({
    producer,
    subjects,
    random,
    rate,
    badShare,
    signal: stopping.signal,
    onFailure: (error) => log.warn({ reason: messageOf(error) }, 'Kafka did not accept the events; retrying'),
  });
  log.info({ sent }, 'stopped');
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  log.info({ sent: 0 }, 'stopped before the first event');
} finally {
  await producer.disconnect();
}

/** KOLs and videos of the lakehouse, or synthetic ones when there is none. */
async function findSubjects(random: Random): Promise<Subjects> {
  if (settings.TRINO_URL === undefined) return syntheticSubjects(random);
  return sampleLakehouse(
    {
      trinoUrl: settings.TRINO_URL,
      catalog: settings.TRINO_CATALOG,
      schema: settings.TRINO_SCHEMA,
      user: settings.TRINO_USER,
    },
    (reason) => log.warn({ reason }, 'waiting for the lakehouse'),
    stopping.signal,
  );
}

/** Retries until Kafka is reachable, so that programs can start in any order. */
async function connect(producer: Producer): Promise<void> {
  for (;;) {
    try {
      return await producer.connect();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'waiting for Kafka');
      await sleep(1_000, undefined, { signal: stopping.signal });
    }
  }
}
