import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll } from 'vitest';
import { eventKinds } from '../../domain/scoring/topics.ts';
import { LEDGER_TOPIC, SCORES_TOPIC } from '../../domain/scoring/output-record.ts';
import { startMlService } from '../support/ml-service.ts';
import { readTopics } from '../support/read-topics.ts';
import { readCachedDetails, readCachedScores } from './cached-sources.ts';
import { startChaosEngines, type ChaosEngines, type ChaosEnginesOptions } from './chaos-engines.ts';
import {
  createChaosRun,
  type ChaosAddresses,
  type ChaosRun,
  type ChaosRunOptions,
  type SharedClients,
} from './chaos-run.ts';
import { checkExactlyOnce, type CheckResult } from './check-exactly-once.ts';
import { createNamespace } from '../support/create-namespace.ts';
import { inputOf } from './events.ts';

/** Runs of the scoring loop on shared engines. */
export interface TestBed {
  /** Creates a topic with events, and a Temporal namespace that only its loop and its workers use. */
  createRun(name: string, options: ChaosRunOptions): Promise<ChaosRun>;
  /** Reads the outputs of all runs once and checks each run. @returns the results by topic */
  checkRuns(runs: readonly ChaosRun[]): Promise<Map<string, CheckResult>>;
  close(): Promise<void>;
}

/** Prefix of all names of this process: the engines may still hold topics of earlier ones. */
const NAME_PREFIX = `chaos-${process.pid}`;

/** The clients of a test file, on running engines. */
export async function createTestBed(engines: ChaosAddresses): Promise<TestBed> {
  const ml = await startMlService({ latencyMs: 2 });
  const kafka = new kafkajs.Kafka({
    brokers: engines.KAFKA_BROKERS.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 100, initialRetryTime: 50, maxRetryTime: 1000 },
  });
  const producer = kafka.producer();
  const redis = new Redis(engines.REDIS_URL, { protocol: 2 });
  redis.on('error', () => {}); // ioredis reconnects; otherwise a command fails
  const temporal = await Connection.connect({ address: engines.TEMPORAL_ADDRESS });
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
  const allRuns: ChaosRun[] = [];
  await producer.connect();

  const shared: SharedClients = { engines, mlUrl: ml.url, folder, kafka, producer, temporal };
  return {
    async createRun(name, options) {
      const namespace = `${NAME_PREFIX}-${name}`;
      await createNamespace(temporal, namespace);
      const run = await createChaosRun(shared, namespace, options);
      allRuns.push(run);
      return run;
    },
    checkRuns: (runs) => checkRuns(engines.KAFKA_BROKERS, redis, runs),
    async close() {
      await Promise.all(allRuns.map((run) => run.close()));
      await Promise.all([producer.disconnect(), redis.quit(), temporal.close(), ml.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Engines that only the tests of a file use, and their test bed. Call it at the top level of the file. */
export function useTestBed(options: ChaosEnginesOptions = {}) {
  let engines: ChaosEngines;
  let bed: TestBed;
  beforeAll(async () => {
    engines = await startChaosEngines(options);
    bed = await createTestBed(engines.addresses);
  });
  afterAll(async () => {
    await bed?.close();
    await engines?.stop();
  });
  return { engines: () => engines, bed: () => bed };
}

async function checkRuns(
  brokers: string,
  redis: Redis,
  runs: readonly ChaosRun[],
): Promise<Map<string, CheckResult>> {
  const read = (pattern: string) => readTopics(brokers, pattern);
  const [inputs, deadLetters, allScores, ledger] = await Promise.all([
    read(`${NAME_PREFIX}-.*\\.(${eventKinds.join('|')})`),
    read(`${NAME_PREFIX}-.*\\.dlq`),
    read(SCORES_TOPIC.replace('.', '\\.')),
    read(LEDGER_TOPIC.replaceAll('.', '\\.')),
  ]);
  const results = new Map<string, CheckResult>();
  for (const { topic, kind } of runs) {
    const input = inputOf(topic, inputs);
    const isProfiles = kind === 'profiles';
    const scores = isProfiles ? allScores : null;
    const cached = isProfiles
      ? await readCachedScores(redis, input)
      : await readCachedDetails(redis, topic, input);
    results.set(topic, checkExactlyOnce({ topic, input, ledger, deadLetters, scores, cached }));
  }
  return results;
}
