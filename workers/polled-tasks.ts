import { SCORING_TASK_QUEUE, SLICE_TASK_QUEUE } from '../contract/task-queues.ts';

interface PolledTasks {
  readonly name: string;
  readonly kind: 'workflow' | 'activity';
}

/** The tasks that a worker of this queue polls for, see create-workers.ts. */
export function polledTasks(queue: string): PolledTasks[] {
  const both = (['workflow', 'activity'] as const).map((kind) => ({ name: queue, kind }));
  return queue === SCORING_TASK_QUEUE ? [...both, { name: SLICE_TASK_QUEUE, kind: 'activity' }] : both;
}
