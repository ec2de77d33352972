import { once } from 'node:events';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createClients } from '../../clients/create-clients.ts';
import { createLogger } from '../../clients/logger.ts';
import { loadConfig } from '../../config/config.ts';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import { SCORING_TASK_QUEUE, SLICE_TASK_QUEUE } from '../../contract/task-queues.ts';
import { createActivities, workerProfile } from '../../workers/create-activities.ts';
import { faultyFactories } from './faulty-factories.ts';
import { createFaultInjector } from './fault-injector.ts';
import { parseWorkerSettings } from './worker-settings.ts';

/**
 * A worker of the scoring task queues with the composition of workers/main.ts, over clients that inject faults. Its
 * settings are in the environment. It prints events as lines for its parent, and exits when the parent exits.
 */
const settings = parseWorkerSettings(process.env);
const config = loadConfig(process.env);
const report = (line: string) => void process.stdout.write(`${line}\n`);
process.once('disconnect', () => process.exit());

const faults = createFaultInjector(settings.fault, report, () =>
  once(process, 'message').then(() => undefined),
);
const clients = createClients(
  config,
  workerProfile(config),
  createLogger('chaos', 'silent'),
  faultyFactories(faults, settings.sabotage, report),
);
const { steering, slices } = await createActivities(config, clients, new AbortController().signal);

/** Prints a line at the end of every attempt, also when Temporal no longer waits for its result. */
async function scorePartition(...args: Parameters<typeof slices.scorePartition>) {
  const [{ partition }] = args;
  try {
    const result = await slices.scorePartition(...args);
    report(`attempt ended ${partition}/${result.state.position}: ${result.state.stuck?.reason ?? 'well'}`);
    return result;
  } catch (error) {
    report(`attempt ended ${partition}: ${String(error)}`);
    throw error;
  }
}

Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
const common = {
  connection: await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS }),
  namespace: config.TEMPORAL_NAMESPACE,
  maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
};
const workers: Promise<Worker>[] = [];
if (settings.role !== 'activities')
  workers.push(
    Worker.create({
      ...common,
      taskQueue: SCORING_TASK_QUEUE,
      activities: steering,
      workflowBundle: { codePath: settings.workflowBundle },
      // A stopped process still holds its polls, and each poll takes a task: keep them few.
      maxConcurrentActivityTaskPolls: 2,
      maxConcurrentWorkflowTaskPolls: 2,
      // The workflow of a killed worker moves to another worker after this time.
      stickyQueueScheduleToStartTimeout: '1 second',
    }),
  );
if (settings.role !== 'workflows')
  workers.push(
    Worker.create({
      ...common,
      taskQueue: SLICE_TASK_QUEUE,
      activities: { scorePartition },
      maxConcurrentActivityTaskExecutions: settings.slots ?? config.SCORING_SLOTS,
      maxConcurrentActivityTaskPolls: settings.slots === 1 ? 1 : 2,
    }),
  );
const running = Promise.all((await Promise.all(workers)).map((worker) => worker.run()));
report('ready');
await running;
