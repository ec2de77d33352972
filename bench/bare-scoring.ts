import type { Redis } from 'ioredis';
import type { Kafka } from 'kafkajs';
import { createRangeReader } from '../clients/kafka/range-reader.ts';
import { createMlApi, isRefusal } from '../clients/ml-api.ts';
import { score, scoreOf } from '../domain/entities/score.ts';
import { buildFeatures } from '../domain/scoring/model-features.ts';
import { parseProfileEvent, type ProfileEvent } from '../domain/scoring/profile-event.ts';
import { SCORES_TOPIC } from '../domain/scoring/topics.ts';

/** The newest events of a topic read, scored, cached and sent by one process without any guarantee. @returns ms */
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
  const ends = await admin.fetchTopicOffsets(topic);
  const perPartition = Math.ceil(events / ends.length);
  const started = performance.now();
  await Promise.all(
    ends.map(async ({ partition, high }) => {
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
        const value = scoreOf(result, { ...event, source: null, features_from: 'event' });
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

/** So many profiles scored one call each by one process that does nothing else. @returns ms */
export async function bareSingleCalls(options: {
  mlUrl: string;
  calls: number;
  concurrency: number;
}): Promise<number> {
  const mlApi = createMlApi({
    url: options.mlUrl,
    timeoutSeconds: 5,
    concurrency: options.concurrency,
  });
  const profiles = Array.from({ length: options.calls }, (_, index) =>
    buildFeatures({ ...NOBODY, kol_id: `bare-${index}` }, null),
  );
  await mlApi.score(profiles.slice(0, options.concurrency * 2)); // connects, and finds that there is no batch endpoint
  const started = performance.now();
  await mlApi.score(profiles);
  const ms = performance.now() - started;
  await mlApi.close();
  return ms;
}

const NOBODY: ProfileEvent = {
  event_id: null,
  event_time_ms: 0,
  platform: 'tiktok',
  kol_id: '',
  nickname: null,
  followers_count: null,
  following_count: null,
  post_count: null,
  favorites_count: null,
  verified: null,
  bio: null,
  avatar_url: null,
  profile_url: null,
};
