import { join } from 'node:path';
import { projectFolder } from './paths.ts';
import type { ProcessSpec } from './supervision/managed-process.ts';

/** The reference ML service. */
export const mlServiceProgram = (env: NodeJS.ProcessEnv, url: string): ProcessSpec =>
  nodeProgram({
    name: 'ml-service',
    title: 'ML service',
    file: 'simulators/ml-service/main.ts',
    env,
    isReady: () => isHttpOk(new URL('/healthz', url)),
  });

/**
 * Limits of a worker's heap. Without them Node sizes the heap for the whole machine's memory, and hundreds of megabytes of garbage
 * gather between collections; the live data takes less than 100 MB. With the limit of 512 MB alone, V8 collects the old space whenever it
 * has grown by 40 %, which costs the scoring of a backlog a quarter of its processor time. docker-compose.yml sets the same limits.
 */
export const WORKER_NODE_OPTIONS = [
  '--max-old-space-size=512',
  '--max-semi-space-size=8',
  '--heap-growing-percent=75',
];
/** By default the C library keeps freed memory separately for each of the worker's many threads. The Dockerfile sets the same value. */
export const MALLOC_ARENA_MAX = '2';

/** What `npm run build` makes, as deployments run it. From the source a worker takes 50 MB more, and functions are slower: tsx wraps them. */
export const BUILT_WORKER = 'dist/workers/main.js';
export const BUILT_API = 'dist/api/server.js';

/** The Temporal worker. It is ready when it logs that it polls its task queues. */
export const workerProgram = (env: NodeJS.ProcessEnv, file = 'workers/main.ts'): ProcessSpec =>
  nodeProgram({
    name: 'worker',
    title: 'Worker',
    file,
    env: { MALLOC_ARENA_MAX, ...env },
    nodeOptions: WORKER_NODE_OPTIONS,
    isReady: async (newLog) => logSaysWorkerReady(await newLog()),
  });

/** What the API needs to stop beside its own settings: see "Stop" in docs/deployment.md. */
const API_STOP_SECONDS = 8;

/** The REST API. */
export const apiProgram = (env: NodeJS.ProcessEnv, url: string, file = 'api/server.ts'): ProcessSpec => ({
  ...nodeProgram({
    name: 'api',
    title: 'API',
    file,
    // Nothing balances the load of the local stack, and only this machine can reach it, like its engines.
    env: { API_DRAIN_SECONDS: '0', API_HOST: process.env['API_HOST'] || '127.0.0.1', ...env },
    isReady: () => isHttpOk(new URL('/readyz', url)),
  }),
  stopSeconds: apiStopSeconds({ ...process.env, ...env }),
});

const apiStopSeconds = ({ API_DEADLINE_SECONDS, API_DRAIN_SECONDS }: NodeJS.ProcessEnv): number =>
  Number(API_DEADLINE_SECONDS || 12) + Number(API_DRAIN_SECONDS || 0) + API_STOP_SECONDS;

/** The event producer. It serves no requests, so it is ready as soon as it runs. */
export const producerProgram = (env: NodeJS.ProcessEnv): ProcessSpec =>
  nodeProgram({
    name: 'producer',
    title: 'Producer',
    file: 'simulators/producer/main.ts',
    env,
    isReady: () => Promise.resolve(true),
  });

/** @param log JSON lines of the worker */
export function logSaysWorkerReady(log: string): boolean {
  return /"msg":\s*"worker ready"/.test(log);
}

interface NodeProgram {
  readonly name: string;
  readonly title: string;
  /** Entry file, relative to the project folder. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly nodeOptions?: readonly string[];
  readonly isReady: ProcessSpec['isReady'];
}

/** Runs one of our own programs, built or from its TypeScript source. */
export function nodeProgram({ name, title, file, env, nodeOptions = [], isReady }: NodeProgram): ProcessSpec {
  return {
    name,
    title,
    command: process.execPath,
    args: [...nodeOptions, ...(file.endsWith('.ts') ? ['--import', 'tsx'] : []), join(projectFolder, file)],
    cwd: projectFolder,
    env,
    isReady,
    startSeconds: 90,
    stopSeconds: 30,
  };
}

/** @returns true when GET answers 200 @throws Error naming any other status */
export async function isHttpOk(url: URL): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  if (response.status !== 200) throw new Error(`GET ${url.pathname} returned status ${response.status}`);
  return true;
}
