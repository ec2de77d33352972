import { once } from 'node:events';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { reportRangesTogether } from '../../activities/scoring/report-together.ts';
import { createClients } from '../../clients/create-clients.ts';
import { createLogger } from '../../clients/logger.ts';
import { loadConfig } from '../../config/config.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { createActivities, workerProfile } from '../../workers/create-activities.ts';
import { faultyFactories } from './faulty-factories.ts';
import { createFaultInjector } from './fault-injector.ts';
import { parseWorkerSettings } from './worker-settings.ts';

/**
 * A worker of the scoring task queue with the composition of workers/main.ts, over clients that inject faults. Its
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
const temporal = await clients.temporal();
const { scoring } = await createActivities(config, clients, new AbortController().signal);

/** Prints a line at the end of every attempt, also when Temporal no longer waits for its result. */
async function scoreRange(...args: Parameters<typeof scoring.scoreRange>) {
  const [{ partition, from, to }] = args;
  const range = `${partition}/[${from}, ${to})`;
  try {
    const result = await scoring.scoreRange(...args);
    report(`attempt ended ${range}: ${result.committedNow ? 'committed' : 'nothing to do'}`);
    return result;
  } catch (error) {
    report(`attempt ended ${range}: ${String(error)}`);
    throw error;
  }
}

Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS }),
  namespace: config.TEMPORAL_NAMESPACE,
  taskQueue: SCORING_TASK_QUEUE,
  activities: reportRangesTogether(temporal, { ...scoring, scoreRange }),
  // A loop plans a backlog in a local activity, which runs in the process that runs the workflow.
  enableNonLocalActivities: settings.role !== 'workflows',
  ...(settings.role !== 'activities' && { workflowBundle: { codePath: settings.workflowBundle } }),
  ...(settings.slots !== undefined && { maxConcurrentActivityTaskExecutions: settings.slots }),
  // A stopped process still holds its polls, and each poll takes a task: keep them few.
  maxConcurrentActivityTaskPolls: settings.slots === 1 ? 1 : 2,
  maxConcurrentWorkflowTaskPolls: 2,
  // The workflow of a killed worker moves to another worker after this time.
  stickyQueueScheduleToStartTimeout: '1 second',
});
const running = worker.run();
report('ready');
await running;
