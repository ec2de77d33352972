import { readFile } from 'node:fs/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import { createLogger } from '../../clients/logger.ts';
import { connectTemporal } from '../../clients/temporal/connect.ts';
import { loadConfig } from '../../config/config.ts';
import { createDependencies } from '../../workers/dependencies.ts';
import { WARM_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import './quiet-temporal.ts';
import { smallSplits } from './small-splits.ts';

/** A worker in a process of its own that warms all profiles slowly in one split, so that a test can kill it in the middle. */
const config = loadConfig();
const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
const temporal = await connectTemporal(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE);
const log = createLogger('test', 'error');
const dependencies = await createDependencies(config, temporal, log, new AbortController().signal);
const slow = await smallSplits(config, { rowsPerSplit: 1_000_000, parallelSplits: 1, writesPerSecond: 20 });
const worker = await Worker.create({
  connection,
  namespace: config.TEMPORAL_NAMESPACE,
  taskQueue: WARM_TASK_QUEUE,
  activities: { ...dependencies.warmActivities, ...slow },
  workflowBundle: { code: await readFile(process.argv[2] ?? '', 'utf8') },
  maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  // Nobody waits for what a dead worker would have remembered.
  maxCachedWorkflows: 0,
});
await worker.run();
