import { Worker } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import * as workflows from '../../workflows/index.ts';
import { historyFromObject, readHistories } from './history-file.ts';
import { testEngines } from '../support/test-engines.ts';

const recorded = readHistories();
const options = () => ({ workflowBundle: { codePath: testEngines().WORKFLOW_BUNDLE } });
const replay = (history: object, name: string) =>
  Worker.runReplayHistory(options(), historyFromObject(history), name);

describe('recorded histories', () => {
  test.each(recorded)('$name replays without nondeterminism', ({ name, history }) => replay(history, name));

  test('exist for every workflow type', () => {
    const types = recorded.map(
      ({ history }) => history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name,
    );
    expect(new Set(types)).toEqual(new Set(Object.keys(workflows)));
  });

  test('fail to replay when an activity of the workflow has another name', async () => {
    const { history } = recorded.find(({ name }) => name === 'warm-cache-full') ?? recorded[0]!;
    const changed = JSON.parse(
      JSON.stringify(history).replaceAll('checkSourceSchema', 'anotherActivity'),
    ) as object;
    await expect(replay(changed, 'changed')).rejects.toThrow(/nondetermini/i);
  });
});
