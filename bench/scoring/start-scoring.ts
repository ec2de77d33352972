import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { Redis } from 'ioredis';
import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { freePorts } from '../../engines/ports.ts';
import { BUILT_WORKER, mlServiceProgram, workerProgram } from '../../engines/programs.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import type { Processes } from '../core-shares.ts';
import type { Bench } from '../run-bench.ts';
import { watchCommits, type CommitWatch } from './watch-commits.ts';

export const ML_CONCURRENCY = 32;
export const ML_LATENCY_MS = 50;

type ScoringLoop = WorkflowHandle<Workflows['scoringLoop']>;

/** The running system and the clients of the benchmark. */
export interface Scoring {
  readonly figure: Bench['figure'];
  readonly atEnd: Bench['atEnd'];
  readonly addresses: Bench['stack']['addresses'];
  readonly loop: ScoringLoop;
  readonly temporal: Client;
  readonly redis: Redis;
  readonly kafka: Kafka;
  readonly producer: Producer;
  readonly admin: Admin;
  readonly commits: CommitWatch;
  readonly worker: ManagedProcess;
  readonly temporalPid: number;
  /** The processes that work on events, by name. */
  readonly processes: Processes;
  readonly mlUrl: string;
  /** Replaces the injected faults of the ML service (simulators/ml-service/faults.ts). */
  readonly setMlFaults: (faults: object) => Promise<unknown>;
}

/**
 * Fills the lakehouse, starts the ML service and a worker, connects the clients and waits for the scoring loop.
 * @param profileFolder gets a CPU profile of the worker when it stops
 */
export async function startScoring(bench: Bench, profileFolder?: string): Promise<Scoring> {
  const { addresses, engines } = bench.stack;
  await fillLakehouse({
    trinoUrl: addresses.TRINO_URL,
    catalog: addresses.TRINO_CATALOG,
    schema: addresses.TRINO_SCHEMA,
    report: console.log,
  });
  const { mlUrl, model, worker } = await startPrograms(bench, profileFolder);
  const clients = await connectClients(bench);
  await waitForFirstOffsets(clients.admin);
  const commits = await watchCommits(clients.kafka);
  bench.atEnd(() => commits.close());
  return {
    figure: bench.figure,
    atEnd: bench.atEnd,
    addresses,
    ...clients,
    commits,
    worker,
    temporalPid: engines.temporal?.pid ?? Number.NaN,
    processes: {
      worker: worker.pid,
      model: model.pid,
      Redis: engines.redis?.pid,
      Kafka: engines.kafka?.pid,
      Temporal: engines.temporal?.pid,
      bench: process.pid,
    },
    mlUrl,
    setMlFaults: (faults) =>
      fetch(`${mlUrl}/admin/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(faults),
      }),
  };
}

async function startPrograms(
  { stack, atEnd }: Bench,
  profileFolder: string | undefined,
): Promise<{ mlUrl: string; model: ManagedProcess; worker: ManagedProcess }> {
  const ports = await freePorts();
  const mlUrl = `http://127.0.0.1:${ports.mlApi}`;
  const env = {
    ...stack.addresses,
    ML_API_URL: mlUrl,
    ML_API_PORT: String(ports.mlApi),
    ML_API_LATENCY_MS: String(ML_LATENCY_MS),
    ML_API_FAULTS: '1',
    ML_API_CONCURRENCY: String(ML_CONCURRENCY),
    // The readiness check of a worker needs its log line "worker ready", which has level info.
    LOG_LEVEL: 'info',
  };
  const start = async (process: ManagedProcess) => {
    await process.start();
    atEnd(() => process.stop());
    return process;
  };
  const model = await start(new ManagedProcess(mlServiceProgram(env, mlUrl), stack.paths));
  const worker = workerProgram(env, BUILT_WORKER);
  const profiling = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const spec = { ...worker, args: [...profiling, ...worker.args] };
  return { mlUrl, model, worker: await start(new ManagedProcess(spec, stack.paths)) };
}

async function connectClients({ stack: { addresses }, atEnd }: Bench) {
  const temporal = new Client({
    connection: await Connection.connect({ address: addresses.TEMPORAL_ADDRESS }),
  });
  atEnd(() => temporal.connection.close());
  const redis = new Redis(addresses.REDIS_URL, { protocol: 2 });
  atEnd(() => redis.quit());
  const kafka = new kafkajs.Kafka({ brokers: [addresses.KAFKA_BROKERS], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  atEnd(() => producer.disconnect());
  const admin = kafka.admin();
  await admin.connect();
  atEnd(() => admin.disconnect());
  const loop: ScoringLoop = temporal.workflow.getHandle(scoringLoopId(PROFILES_TOPIC));
  return { temporal, redis, kafka, producer, admin, loop };
}

/** A new loop starts at the end of its topic: it must have committed its first offsets before an event is sent. */
async function waitForFirstOffsets(admin: Admin): Promise<void> {
  const hasOffsets = async () => {
    const [offsets] = await admin
      .fetchOffsets({ groupId: 'kol-scoring', topics: [PROFILES_TOPIC] })
      .catch(() => []);
    return offsets?.partitions.every(({ offset }) => offset !== '-1') ?? false;
  };
  while (!(await hasOffsets())) await sleep(100);
}
