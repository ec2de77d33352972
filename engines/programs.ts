import { nodeProcess } from './supervision/processes.ts';
import type { ProcessSpec } from './supervision/managed-process.ts';

/** The reference ML service. */
export const mlServiceProgram = (env: NodeJS.ProcessEnv, url: string): ProcessSpec =>
  nodeProcess({
    name: 'ml-service',
    title: 'ML service',
    file: 'simulators/ml-service/main.ts',
    env,
    isReady: () => answersOk(new URL('/healthz', url)),
  });

/**
 * What Node may keep for a worker. Sized for a machine's whole memory, its heap would fill with hundreds of megabytes of garbage
 * between collections; what lives is under 100 MB. docker-compose.yml and the Dockerfile say the same.
 */
export const WORKER_NODE_OPTIONS = ['--max-old-space-size=512', '--max-semi-space-size=8'];
/** The C library otherwise keeps freed memory for each of the many threads apart. */
export const MALLOC_ARENA_MAX = '2';

/** The Temporal worker; it logs when it polls its task queues. */
export const workerProgram = (env: NodeJS.ProcessEnv): ProcessSpec =>
  nodeProcess({
    name: 'worker',
    title: 'Worker',
    file: 'workers/main.ts',
    env: { MALLOC_ARENA_MAX, ...env },
    nodeOptions: WORKER_NODE_OPTIONS,
    isReady: async (newLog) => saysWorkerReady(await newLog()),
  });

/** The REST API. */
export const apiProgram = (env: NodeJS.ProcessEnv, url: string): ProcessSpec =>
  nodeProcess({
    name: 'api',
    title: 'API',
    file: 'api/server.ts',
    env,
    isReady: () => answersOk(new URL('/readyz', url)),
  });

/** The producer of events; it serves nobody, so running is all it has to do. */
export const producerProgram = (env: NodeJS.ProcessEnv): ProcessSpec =>
  nodeProcess({
    name: 'producer',
    title: 'Producer',
    file: 'simulators/producer/main.ts',
    env,
    isReady: () => Promise.resolve(true),
  });

/** @param log JSON lines of the worker */
export function saysWorkerReady(log: string): boolean {
  return /"msg":\s*"worker ready"/.test(log);
}

/** @returns true when GET answers 200; throws what it answered instead */
async function answersOk(url: URL): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  if (response.status !== 200) throw new Error(`GET ${url.pathname} answers ${response.status}`);
  return true;
}
