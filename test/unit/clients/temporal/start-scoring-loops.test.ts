import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { startScoringLoops } from '../../../../clients/temporal/start-scoring-loops.ts';
import { LOOP_VERSION } from '../../../../contract/scoring-loop.ts';
import { scoringLoopId } from '../../../../contract/workflow-ids.ts';
import { INPUT_TOPICS } from '../../../../domain/scoring/topics.ts';

const NONE = 'there is no loop';

/**
 * The first `failures` updates of each loop fail.
 * @param memos of the loops that run, by workflow id
 * @param attempt at the workflow task of each of these loops
 */
function temporalThatFails(
  failures: number,
  memos: Readonly<Record<string, object>> = {},
  attempt = 1,
  historyLength = 99,
) {
  const started: unknown[] = [];
  const startedMemos: unknown[] = [];
  const attempts = new Map<string, number>();
  const workflow = {
    getHandle: (id: string) => ({
      describe: () =>
        id in memos
          ? Promise.resolve({
              status: { name: 'RUNNING' },
              memo: memos[id],
              historyLength,
              raw: { pendingWorkflowTask: { attempt } },
            })
          : Promise.reject(new WorkflowNotFoundError(NONE, '', undefined)),
    }),
    start: (_type: string, { args, memo }: { args: unknown[]; memo: unknown }) => {
      startedMemos.push(memo);
      return Promise.resolve(started.push(...args));
    },
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
  const deadlinesMs: number[] = [];
  const withDeadline = <T>(deadlineMs: number, work: () => Promise<T>) => {
    deadlinesMs.push(deadlineMs - Date.now());
    return work();
  };
  const temporal = { workflow, withDeadline } as unknown as Client;
  return { temporal, started, memos: startedMemos, deadlinesMs, attempts: () => [...attempts.values()] };
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

  test('starts a loop with the defaults when it cannot read the memo of the old one', async () => {
    const [{ topic, kind }] = INPUT_TOPICS;
    const input = { topic, group: 'g', settings: { speed: 11 } };
    const { temporal, started } = temporalThatFails(0, {
      [scoringLoopId(topic)]: { version: 1, input },
      [scoringLoopId(topic, 1)]: { version: 1, input: { ...input, shard: 1, settings: {} } },
      [scoringLoopId(topic, 2)]: { version: LOOP_VERSION, input },
      [scoringLoopId(topic, 3)]: {},
    });
    await startScoringLoops(temporal, {}, { signal: new AbortController().signal, onError: () => {} });
    expect(started).toEqual([
      { topic, kind, shard: 0 },
      { ...input, shard: 1, settings: {} },
      { topic, kind, shard: 3 },
    ]);
  });

  test.each([
    ['replaces a loop of its version whose workflow task fails again and again', LOOP_VERSION, 6, 1],
    ['leaves a loop alone whose workflow task has failed a few times', LOOP_VERSION, 5, 0],
    ['leaves the loop of a newer version alone, which its own version cannot run', LOOP_VERSION + 1, 99, 0],
  ])('%s', async (_, version, attempt, replaced) => {
    const [{ topic }] = INPUT_TOPICS;
    const memos = { [scoringLoopId(topic)]: { version, input: { topic } } };
    const { temporal, started } = temporalThatFails(0, memos, attempt);
    await startScoringLoops(temporal, {}, { signal: new AbortController().signal, onError: () => {} });
    expect(started).toHaveLength(replaced);
  });

  test('leaves a loop alone that an operator has started and no worker has begun: only its history has its input', async () => {
    const [{ topic }] = INPUT_TOPICS;
    const { temporal, started, attempts } = temporalThatFails(0, { [scoringLoopId(topic)]: {} }, 1, 3);
    await startScoringLoops(temporal, {}, { signal: new AbortController().signal, onError: () => {} });
    expect(started).toEqual([]);
    expect(attempts()).toEqual([1, 1]); // it is configured
  });

  // Workers of the older version can fail the first workflow task of the new loop for minutes, and then it is replaced again.
  test('gives the loop that it starts a memo with the input that continues it', async () => {
    const [{ topic }] = INPUT_TOPICS;
    const input = { topic, group: 'g', settings: { maxOffsets: 7 }, carried: { paused: true } };
    const { temporal, memos } = temporalThatFails(0, { [scoringLoopId(topic)]: { version: 1, input } });
    await startScoringLoops(temporal, {}, { signal: new AbortController().signal, onError: () => {} });
    expect(memos).toEqual([{ version: LOOP_VERSION, input }]);
  });

  // The client waits without end for a loop whose workflow task fails, so nobody would see that it must be replaced.
  test('waits for the answer of a loop for a limited time only', async () => {
    const { temporal, deadlinesMs } = temporalThatFails(0);
    await startScoringLoops(temporal, {}, { signal: new AbortController().signal, onError: () => {} });
    expect(deadlinesMs).toHaveLength(INPUT_TOPICS.length);
    expect(Math.max(...deadlinesMs)).toBeLessThanOrEqual(90_000);
  });

  test('gives up when it shuts down', async () => {
    const { temporal } = temporalThatFails(Infinity);
    const draining = new AbortController();
    await startScoringLoops(temporal, {}, { signal: draining.signal, onError: () => draining.abort() });
    expect(draining.signal.aborted).toBe(true);
  });
});
