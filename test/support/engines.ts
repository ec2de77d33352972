import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { TestProject } from 'vitest/node';
import type { Addresses } from '../../engines/addresses.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { testStackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { startStack } from '../../engines/start-stack.ts';
import { bundleWorkflows } from '../../workers/workflow-bundle.ts';
import { timeSkippingServerPath } from '../../engines/definitions/time-skipping-server.ts';
import { createNamespace } from './create-namespace.ts';
import { LANES, type Lane } from './lanes.ts';
import { startSingleRedis } from './redis-cluster.ts';

/** Addresses and files for tests on the real engines, by `testEngines()`. */
export interface TestEngines extends Addresses {
  /** Executable of the time-skipping test server. */
  readonly TIME_SKIPPING_SERVER: string;
  /** Workflow code, bundled once for all workers of the run. */
  readonly WORKFLOW_BUNDLE: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    engines: Omit<TestEngines, keyof Lane>;
    lanes: readonly Lane[];
    /** The catalog of Trino whose tables the tests of both kinds of table use. `npm run test:chaos` runs them on Hive. */
    catalog: 'iceberg' | 'hive';
    /** Whether the cases of rare.ts run too. */
    runsRareCases: boolean;
  }
}

/** Starts the engines of the tests: on free ports and without data. The lakehouse is filled with the same rows each time. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const report = (line: string) => console.log(`[engines] ${line}`);
  const [stack, timeSkippingServer, workflowBundle] = await Promise.all([
    startStack({
      folder: testStackFolder,
      ports: await freePorts(),
      empty: true,
      continueAsNewAt: 400,
      report,
    }),
    timeSkippingServerPath(report),
    writeWorkflowBundle(),
  ]);
  const stops = [() => stack.stop()];
  const stop = async () => {
    await Promise.all(stops.map((each) => each()));
  };
  try {
    const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA, TEMPORAL_ADDRESS } = stack.addresses;
    const fill = { trinoUrl: TRINO_URL, catalog: TRINO_CATALOG, schema: TRINO_SCHEMA, report };
    const [lanes] = await Promise.all([createLanes(TEMPORAL_ADDRESS, stops), fillLakehouse(fill)]);
    project.provide('lanes', [stack.addresses, ...lanes]);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('engines', {
    ...stack.addresses,
    TIME_SKIPPING_SERVER: timeSkippingServer,
    WORKFLOW_BUNDLE: workflowBundle,
  });
  return stop;
}

/** @returns the lanes beside the first one, which uses the Redis and the namespace of the stack */
async function createLanes(temporalAddress: string, stops: (() => Promise<void>)[]): Promise<Lane[]> {
  const temporal = await Connection.connect({ address: temporalAddress });
  const lanes: Lane[] = [];
  for (let lane = 2; lane <= LANES; lane += 1) {
    const redis = await startSingleRedis({ maxmemory: '512mb', 'maxmemory-policy': 'allkeys-lru' });
    stops.push(redis.stop);
    const namespace = `lane-${lane}`;
    await createNamespace(temporal, namespace);
    lanes.push({ REDIS_URL: redis.url, TEMPORAL_NAMESPACE: namespace });
  }
  await temporal.close();
  return lanes;
}

async function writeWorkflowBundle(): Promise<string> {
  const code = await bundleWorkflows();
  await mkdir(testStackFolder, { recursive: true });
  const path = join(testStackFolder, 'workflow-bundle.js');
  await writeFile(path, code);
  return path;
}
