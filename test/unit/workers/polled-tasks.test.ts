import { expect, test } from 'vitest';
import { SCORING_TASK_QUEUE, SLICE_TASK_QUEUE, WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { polledTasks } from '../../../workers/polled-tasks.ts';

test('the health check asks only for the tasks of the queues that a worker serves', () => {
  const namesOf = (queue: string) => new Set(polledTasks(queue).map(({ name }) => name));
  expect(namesOf(WARM_TASK_QUEUE)).toEqual(new Set([WARM_TASK_QUEUE]));
  expect(namesOf(SCORING_TASK_QUEUE)).toEqual(new Set([SCORING_TASK_QUEUE, SLICE_TASK_QUEUE]));
});

test('a worker runs no workflows on the slice queue, so the health check does not expect them', () => {
  const slices = polledTasks(SCORING_TASK_QUEUE).filter(({ name }) => name === SLICE_TASK_QUEUE);
  expect(slices.map(({ kind }) => kind)).toEqual(['activity']);
});
