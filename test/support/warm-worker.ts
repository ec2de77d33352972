import { readFile } from 'node:fs/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import { loadConfig } from '../../config/config.ts';
import { testDependencies } from './dependencies.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import './quiet-temporal.ts';
import { smallSplits } from './small-splits.ts';

/** A worker as a separate process. It warms all profiles slowly in one split, so that a test can kill it in the middle. */
const config = loadConfig();
const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
const dependencies = await testDependencies(config);
const slow = await smallSplits(config, { rowsPerSplit: 1_000_000, parallelSplits: 1, writesPerSecond: 20 });
const worker = await Worker.create({
  connection,
  namespace: config.TEMPORAL_NAMESPACE,
  taskQueue: WARM_TASK_QUEUE,
  activities: { ...dependencies.activities.warm, ...slow },
  workflowBundle: { code: await readFile(process.argv[2] ?? '', 'utf8') },
  maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  // Without a cache a killed worker leaves no workflow that waits for its sticky queue.
  maxCachedWorkflows: 0,
});
await worker.run();
