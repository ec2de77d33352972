import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import type { Addresses } from '../../engines/addresses.ts';
import { SCORES_TOPIC, LEDGER_TOPIC } from '../../domain/scoring/topics.ts';
import { registerSearchAttributes } from '../../clients/temporal/register-search-attributes.ts';
import { content } from '../../domain/entities/content.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import { eventKinds } from '../../domain/scoring/topics.ts';
import { startMlService } from '../support/ml-service.ts';
import { readTopics } from '../support/read-topics.ts';
import { createArena, type Arena, type ArenaOptions } from './arena.ts';
import { checkAccounting, type Account } from './check-accounting.ts';
import { inputOf } from './events.ts';
import type { InputEvent, Source } from './evidence.ts';

export type BenchEngines = Addresses & { readonly WORKFLOW_BUNDLE: string };

/** What the runs of a test file share. */
export interface Bench {
  readonly engines: BenchEngines;
  readonly mlUrl: string;
  /** Folder for markers of faults. */
  readonly folder: string;
  readonly kafka: kafkajs.Kafka;
  readonly producer: kafkajs.Producer;
  readonly temporal: Connection;
  /** Makes a topic with events, and a Temporal namespace for its loop and workers alone. */
  arena(name: string, options: ArenaOptions): Promise<Arena>;
  /** Reads what all runs left behind, and checks each one's. */
  accounts(arenas: readonly Arena[]): Promise<Map<string, Account>>;
  close(): Promise<void>;
}

/** Names of one run of a test file, apart from those of earlier ones on the same engines. */
const RUN = `chaos-${process.pid}`;
const GRPC_ALREADY_EXISTS = 6;

/** Clients of the test itself, on engines that run. */
export async function createBench(engines: BenchEngines): Promise<Bench> {
  const ml = await startMlService({ latencyMs: 2 });
  const kafka = new kafkajs.Kafka({
    brokers: engines.KAFKA_BROKERS.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 100, initialRetryTime: 50, maxRetryTime: 1000 },
  });
  const producer = kafka.producer();
  const redis = new Redis(engines.REDIS_URL, { protocol: 2 });
  redis.on('error', () => {}); // it comes back, or a command fails
  const temporal = await Connection.connect({ address: engines.TEMPORAL_ADDRESS });
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
  const arenas: Arena[] = [];
  await producer.connect();

  const bench: Bench = {
    engines,
    mlUrl: ml.url,
    folder,
    kafka,
    producer,
    temporal,
    async arena(name, options) {
      const namespace = `${RUN}-${name}`;
      await createNamespace(temporal, namespace);
      const arena = await createArena(bench, namespace, options);
      arenas.push(arena);
      return arena;
    },
    async accounts(wanted) {
      const read = (pattern: string) => readTopics(engines.KAFKA_BROKERS, pattern);
      const [inputs, deadLetters, scores, ledger] = await Promise.all([
        read(`${RUN}-.*\\.(${eventKinds.join('|')})`),
        read(`${RUN}-.*\\.dlq`),
        read(SCORES_TOPIC.replace('.', '\\.')),
        read(LEDGER_TOPIC.replaceAll('.', '\\.')),
      ]);
      const accounts = new Map<string, Account>();
      for (const { topic, kind } of wanted) {
        const input = inputOf(topic, inputs);
        const found = { topic, input, ledger, deadLetters };
        accounts.set(
          topic,
          checkAccounting(
            kind === 'profiles'
              ? { ...found, scores, cached: await scoresInRedis(redis, input) }
              : { ...found, scores: null, cached: await detailsInRedis(redis, topic, input) },
          ),
        );
      }
      return accounts;
    },
    async close() {
      await Promise.all(arenas.map((arena) => arena.close()));
      await Promise.all([producer.disconnect(), redis.quit(), temporal.close(), ml.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return bench;
}

const idsOf = (input: readonly InputEvent[]) => [...new Set(input.flatMap(({ id }) => id ?? []))];

/** Which event each KOL's score was made of. */
async function scoresInRedis(
  redis: Redis,
  input: readonly InputEvent[],
): Promise<Map<string, Source | null>> {
  const ids = idsOf(input);
  const texts = ids.length === 0 ? [] : await redis.mget(ids.map(score.key));
  return new Map(
    texts.flatMap((text, index) =>
      text === null ? [] : [[ids[index] ?? '', (JSON.parse(text) as Score).source] as const],
    ),
  );
}

/** Which event each video's detail was made of; it says the offset, and a video is always in the same partition. */
async function detailsInRedis(
  redis: Redis,
  topic: string,
  input: readonly InputEvent[],
): Promise<Map<string, Source | null>> {
  const partitions = new Map(input.map(({ id, partition }) => [id, partition]));
  const found = idsOf(input).map(async (id) => {
    const offset = await redis.hget(content.key(id), 'source_offset');
    const source = { topic, partition: partitions.get(id) ?? -1, offset: Number(offset) };
    return [id, offset === null ? null : source] as const;
  });
  return new Map(await Promise.all(found));
}

/** All activities of scoring go to one task queue; a namespace of its own keeps the workers of a run to themselves. */
async function createNamespace(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  // The server looks for new namespaces now and then only.
  for (let tries = 0; ; tries += 1) {
    try {
      await registerSearchAttributes(connection, namespace);
      await new Client({ connection, namespace }).workflow.count();
      return;
    } catch (error) {
      if (!isGrpcServiceError(error) || tries > 100) throw error;
      if (Number(error.code) === GRPC_ALREADY_EXISTS) return;
      await sleep(200);
    }
  }
}
