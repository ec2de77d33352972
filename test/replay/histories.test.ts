import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { describe, expect, inject, test } from 'vitest';
import { historyFromObject } from './history-file.ts';
import * as workflows from '../../workflows/index.ts';

interface RecordedHistory {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes?: { readonly workflowType: { readonly name: string } };
  }[];
}

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const recorded = readdirSync(folder).map((file) => ({
  name: file.replace('.json', ''),
  history: JSON.parse(readFileSync(`${folder}${file}`, 'utf8')) as RecordedHistory & object,
}));
const options = () => ({ workflowBundle: { codePath: inject('engines').WORKFLOW_BUNDLE } });
const replay = (history: object, name: string) =>
  Worker.runReplayHistory(options(), historyFromObject(history), name);

describe('workflows that run while this version is deployed', () => {
  test.each(recorded)('$name goes on', ({ name, history }) => replay(history, name));

  test('each have a recorded history', () => {
    const types = recorded.map(
      ({ history }) => history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name,
    );
    expect(new Set(types)).toEqual(new Set(Object.keys(workflows)));
  });

  test('would be noticed if they did not', async () => {
    const { history } = recorded.find(({ name }) => name === 'warm-cache-full') ?? recorded[0]!;
    const changed = JSON.parse(
      JSON.stringify(history).replaceAll('checkSourceSchema', 'anotherActivity'),
    ) as object;
    await expect(replay(changed, 'changed')).rejects.toThrow(/nondetermini/i);
  });
});
