import { defaultPayloadConverter } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { workflowTaskLimit } from '../../workers/create-workers.ts';
import { historyFromObject, readHistories } from './history-file.ts';
import { rareTest } from '../support/rare.ts';
import { testEngines } from '../support/test-engines.ts';

/** What Temporal accepts for one run of a workflow. */
const MAX_SIGNALS = 10_000;

type Event = Readonly<Record<string, unknown>>;

/** The recorded start of etlLoads, with more signals in its first workflow task. */
function historyWithLoads(loads: readonly object[]): object {
  const recorded = readHistories().find(({ name }) => name === 'etl-loads')?.history
    .events as unknown as Event[];
  const [started, , scheduled, taskStarted, completed, timer] = recorded as [Event, ...Event[]];
  const ids = { scheduledEventId: loads.length + 2, startedEventId: loads.length + 3 };
  const events = [
    started,
    ...loads.map((load) => ({
      eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED',
      workflowExecutionSignaledEventAttributes: {
        signalName: 'tablesLoaded',
        input: { payloads: [defaultPayloadConverter.toPayload(load)] },
      },
    })),
    scheduled,
    change(taskStarted, 'workflowTaskStartedEventAttributes', ids),
    change(completed, 'workflowTaskCompletedEventAttributes', ids),
    change(timer, 'timerStartedEventAttributes', { workflowTaskCompletedEventId: loads.length + 4 }),
  ];
  return { events: events.map((event, index) => ({ ...event, eventId: index + 1 })) };
}

const change = (event: Event | undefined, attributes: string, values: object): Event => ({
  ...event,
  [attributes]: { ...(event?.[attributes] as object), ...values },
});

/** Loads of each kind by turns: of many runs, the same one again and again, and invalid ones. */
const kinds: readonly ((index: number) => object)[] = [
  (index) => ({ runId: `run-${index}`, tables: ['kol_profiles'], ids: idsFrom(index) }),
  () => ({ runId: 'run', tables: ['kol_profiles'], ids: idsFrom(0) }),
  (index) => ({ runId: index, tables: ['kol_profiles', 'kol_x'], ids: [index] }),
];

/** CPU seconds of a workflow task with so many signals. CPU time, because the machine is shared. */
async function cpuSecondsFor(signals: number): Promise<number> {
  const loads = Array.from({ length: signals }, (_, index) => kinds[index % kinds.length]?.(index) ?? {});
  const before = process.cpuUsage();
  await Worker.runReplayHistory(
    {
      workflowBundle: { codePath: testEngines().WORKFLOW_BUNDLE },
      ...workflowTaskLimit,
    },
    historyFromObject(historyWithLoads(loads)),
    'burst',
  );
  return process.cpuUsage(before).user / 1_000_000;
}

test('the cost of a workflow task grows with the number of its signals, and no faster', async () => {
  await cpuSecondsFor(300); // compiles the code
  const once = await cpuSecondsFor(1500);
  const twice = await cpuSecondsFor(3000);
  // A cost for each pair of signals would make it 4.
  expect(twice / once).toBeLessThan(3);
});

rareTest(`a workflow task can have ${MAX_SIGNALS} signals of valid, repeated and invalid loads`, async () => {
  // A cost that grows with the number of loads takes minutes here.
  expect(await cpuSecondsFor(MAX_SIGNALS)).toBeLessThan(30);
});

const idsFrom = (index: number) => Array.from({ length: 20 }, (_, id) => `kol-${(index * 20 + id) % 900}`);
