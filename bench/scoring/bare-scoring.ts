import type { Redis } from 'ioredis';
import type { Kafka } from 'kafkajs';
import { createRangeReader } from '../../clients/kafka/range-reader.ts';
import { createMlApi, isRefusal } from '../../clients/ml-api.ts';
import { score } from '../../domain/entities/score.ts';
import { buildScore } from '../../domain/scoring/prediction.ts';
import { buildFeatures } from '../../domain/scoring/model-features.ts';
import { parseProfileEvent } from '../../domain/scoring/parse-profile-event.ts';
import { SCORES_TOPIC } from '../../domain/scoring/topics.ts';

/** Reads, scores, caches and sends the newest events of a topic in one process, without any guarantee. @returns the duration in ms */
export async function bareScoring(options: {
  kafka: Kafka;
  redis: Redis;
  mlUrl: string;
  topic: string;
  events: number;
  concurrency: number;
}): Promise<number> {
  const { kafka, redis, mlUrl, topic, events, concurrency } = options;
  const reader = createRangeReader(kafka);
  const producer = kafka.producer();
  const admin = kafka.admin();
  const mlApi = createMlApi({ url: mlUrl, timeoutSeconds: 5, concurrency });
  await Promise.all([producer.connect(), admin.connect()]);
  const partitions = await admin.fetchTopicOffsets(topic);
  const perPartition = Math.ceil(events / partitions.length);
  const started = performance.now();
  await Promise.all(
    partitions.map(async ({ partition, high }) => {
      const to = Number(high);
      const range = { topic, partition, from: Math.max(0, to - perPartition), to };
      const { records } = await reader.read(range);
      const profiles = records.flatMap((record) => {
        const outcome = parseProfileEvent(record, Date.now());
        return outcome.kind === 'ok' ? [outcome.value] : [];
      });
      const results = await mlApi.score(profiles.map((event) => buildFeatures(event, null)));
      const pipeline = redis.pipeline();
      const messages = results.flatMap((result, index) => {
        const event = profiles[index];
        if (event === undefined || isRefusal(result)) return [];
        const value = buildScore(result, { ...event, source: null, features_from: 'event' });
        pipeline.set(`bare:${score.key(value.kol_id)}`, JSON.stringify(value), 'EX', 60);
        return [{ key: value.kol_id, value: JSON.stringify(value) }];
      });
      await pipeline.exec();
      await producer.send({ topic: SCORES_TOPIC, messages });
    }),
  );
  const ms = performance.now() - started;
  await Promise.all([producer.disconnect(), admin.disconnect(), reader.close(), mlApi.close()]);
  return ms;
}
