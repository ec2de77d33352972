import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import kafkajs, { type KafkaMessage } from 'kafkajs';
import { createMlApi, isRefusal } from '../../clients/ml-api.ts';
import { score } from '../../domain/entities/score.ts';
import { parseProfileEvent } from '../../domain/scoring/parse-profile-event.ts';
import { SCORES_TOPIC } from '../../domain/scoring/output-record.ts';
import { buildFeatures, buildScore } from '../../domain/scoring/trust-model.ts';
import { singleCalls } from './single-calls.ts';
import type { BareRun } from './start-bare-client.ts';

/**
 * The baseline, in a process of its own: what a developer would write without guarantees. A consumer group reads, the model scores,
 * Redis is set and the scores are sent. It has no transactions, fences, ledger, dead letters, order of events, look-ups or Temporal.
 */
const { values: options } = parseArgs({
  options: {
    kafka: { type: 'string', default: '' },
    redis: { type: 'string', default: '' },
    ml: { type: 'string', default: '' },
    topic: { type: 'string', default: '' },
    concurrency: { type: 'string', default: '' },
  },
});
const { topic } = options;
const concurrency = Number(options.concurrency);
const BATCH_SIZE = 1000;
const TTL_SECONDS = 60;
/** A paused consumer of kafkajs looks after this time whether it was resumed. */
const MAX_WAIT_MS = 10;

const kafka = new kafkajs.Kafka({ brokers: [options.kafka], logLevel: kafkajs.logLevel.NOTHING });
const consumer = kafka.consumer({ groupId: 'bare-client', maxWaitTimeInMs: MAX_WAIT_MS });
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
const redis = new Redis(options.redis, { protocol: 2 });
const mlApi = createMlApi({ url: options.ml, timeoutSeconds: 5, concurrency });

/** Events of the run that are not worked yet, and what to call when all are. */
let left = 0;
let finish = () => {};

await producer.connect();
await startAtEnd();
process.on('message', (run: BareRun) => {
  const started = performance.now();
  const work = 'calls' in run ? singleCalls(options.ml, concurrency, run.calls) : consume(run.events);
  void work.then(() => process.send?.(performance.now() - started));
});
process.send?.('ready');

/** Starts a paused consumer at the end of the topic. */
async function startAtEnd(): Promise<void> {
  const admin = kafka.admin();
  await Promise.all([consumer.connect(), admin.connect()]);
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  await consumer.subscribe({ topics: [topic] });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    partitionsConsumedConcurrently: ends.length,
    async eachBatch(payload) {
      const { messages, partition } = payload.batch;
      for (let start = 0; start < messages.length; start += BATCH_SIZE) {
        const batch = messages.slice(start, start + BATCH_SIZE);
        await workBatch(partition, batch);
        payload.resolveOffset(batch.at(-1)?.offset ?? '');
        left -= batch.length;
        if (left <= 0) finish();
      }
    },
  });
  await joined;
  consumer.pause([{ topic }]);
  for (const { partition, high } of ends) consumer.seek({ topic, partition, offset: high });
}

async function consume(events: number): Promise<void> {
  left = events;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  consumer.resume([{ topic }]);
  await finished;
  consumer.pause([{ topic }]);
}

async function workBatch(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
  const profiles = messages.flatMap((message) => {
    const record = {
      ...message,
      headers: {},
      offset: Number(message.offset),
      timestampMs: Number(message.timestamp),
    };
    const outcome = parseProfileEvent(record, Date.now());
    return outcome.kind === 'ok' ? [{ event: outcome.value, offset: record.offset }] : [];
  });
  const results = await mlApi.score(
    profiles.map(({ event }) => buildFeatures(event, null)),
    { caller: String(partition) },
  );
  const pipeline = redis.pipeline();
  const scores = results.flatMap((result, index) => {
    const profile = profiles[index];
    if (profile === undefined || isRefusal(result)) return [];
    const { event, offset } = profile;
    const source = { topic, partition, offset, fenced_at_ms: 0 };
    const value = buildScore(result, { ...event, source, features_from: 'event' });
    const json = JSON.stringify(value);
    pipeline.set(`bare:${score.key(value.kol_id)}`, json, 'EX', TTL_SECONDS);
    return [{ key: value.kol_id, value: json }];
  });
  await pipeline.exec();
  await producer.send({ topic: SCORES_TOPIC, messages: scores });
}
