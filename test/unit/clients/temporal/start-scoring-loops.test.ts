import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { startScoringLoops } from '../../../../clients/temporal/start-scoring-loops.ts';
import { INPUT_TOPICS } from '../../../../domain/scoring/topics.ts';

const NONE = 'there is no loop';

/** A Temporal without loops. The first `failures` updates of each loop fail. */
function temporalThatFails(failures: number) {
  const attempts = new Map<string, number>();
  const workflow = {
    getHandle: () => ({ describe: () => Promise.reject(new WorkflowNotFoundError(NONE, '', undefined)) }),
    executeUpdateWithStart: (
      _update: unknown,
      {
        startWorkflowOperation: { options },
      }: { startWorkflowOperation: { options: { workflowId: string } } },
    ) => {
      const attempt = (attempts.get(options.workflowId) ?? 0) + 1;
      attempts.set(options.workflowId, attempt);
      return attempt <= failures ? Promise.reject(new Error('not now')) : Promise.resolve();
    },
  };
  return { temporal: { workflow } as unknown as Client, attempts: () => [...attempts.values()] };
}

describe('a worker that starts', () => {
  test('reports a loop that cannot be configured, and tries again', async () => {
    const { temporal, attempts } = temporalThatFails(1);
    const errors: unknown[] = [];
    await startScoringLoops(
      temporal,
      {},
      {
        signal: new AbortController().signal,
        onError: (error, topic) => errors.push([String(error), topic]),
      },
    );
    expect(errors).toEqual(INPUT_TOPICS.map(({ topic }) => ['Error: not now', topic]));
    expect(attempts()).toEqual([2, 2]);
  });

  test('gives up when it shuts down', async () => {
    const { temporal } = temporalThatFails(Infinity);
    const draining = new AbortController();
    await startScoringLoops(temporal, {}, { signal: draining.signal, onError: () => draining.abort() });
    expect(draining.signal.aborted).toBe(true);
  });
});
