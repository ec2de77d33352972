import { hostname } from 'node:os';
import { connectTemporal } from '../clients/temporal/connect.ts';
import { loadConfigOrExit } from '../config/config.ts';
import { polledTasks } from './polled-tasks.ts';

/** temporal.api.enums.v1.TaskQueueType */
const TASK_QUEUE_TYPE = { workflow: 1, activity: 2 } as const;

/** A poll waits up to a minute for a task. A worker whose last poll is older than this has stopped polling. */
const POLLED_WITHIN_SECONDS = 90;

/**
 * Health check of a worker's container. Exits with 0 when this host has recently polled Temporal for the tasks that its
 * configuration names; otherwise prints what is missing and exits with 1. It queries Temporal, which knows the pollers.
 */
const config = loadConfigOrExit();
const temporal = await connectTemporal(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE);
try {
  for (const { name, kind } of config.WORKER_TASK_QUEUES.flatMap(polledTasks)) {
    const seconds = await secondsSincePoll(name, TASK_QUEUE_TYPE[kind]);
    const when = seconds === undefined ? 'never' : `${seconds.toFixed(0)} s ago`;
    console.log(`${name}, ${kind} tasks: last poll ${when}`);
    if (seconds === undefined || seconds > POLLED_WITHIN_SECONDS) process.exitCode = 1;
  }
} finally {
  await temporal.connection.close();
}

async function secondsSincePoll(name: string, taskQueueType: 1 | 2): Promise<number | undefined> {
  const { pollers } = await temporal.workflowService.describeTaskQueue({
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: { name },
    taskQueueType,
  });
  // The SDK names a worker `<process id>@<host>`.
  const polls = (pollers ?? [])
    .filter(({ identity }) => identity?.endsWith(`@${hostname()}`))
    .map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0));
  return polls.length === 0 ? undefined : Date.now() / 1000 - Math.max(...polls);
}
