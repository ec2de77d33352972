import type { Client } from '@temporalio/client';
import { signalEtlLoad } from '../../clients/temporal/signal-etl-load.ts';
import { ETL_LOADS_ID } from '../../contract/workflow-ids.ts';
import { until } from '../support/until.ts';
import { writeHistory } from './history-file.ts';

/** Records etlLoads: two loads and a repeat that become one warm; a load that is loaded again during its warm. */
export async function recordEtlLoads(temporal: Client): Promise<void> {
  await recordRepeat(temporal);
  await temporal.workflow.getHandle(ETL_LOADS_ID).terminate('the next history begins');
  await recordReload(temporal);
}

async function recordRepeat(temporal: Client): Promise<void> {
  const load = { tables: ['kol_content'], pipeline: 'silver', runId: '1' };
  await signalEtlLoad(temporal, load);
  await signalEtlLoad(temporal, load);
  await signalEtlLoad(temporal, { tables: ['kol_profiles'], pipeline: 'silver', runId: '2', ids: ['1'] });
  await untilEvents(temporal, 'childWorkflowExecutionCompletedEventAttributes', 1);
  await writeHistory('etl-loads', temporal.workflow.getHandle(ETL_LOADS_ID));
}

async function recordReload(temporal: Client): Promise<void> {
  const load = { tables: ['kol_profiles'], ids: ['1'], pipeline: 'silver', runId: '1' };
  await signalEtlLoad(temporal, { ...load, loadedAt: '2026-01-01T03:00:00Z' });
  await untilEvents(temporal, 'childWorkflowExecutionStartedEventAttributes', 1);
  await signalEtlLoad(temporal, { ...load, loadedAt: '2026-01-01T04:00:00Z' });
  await untilEvents(temporal, 'childWorkflowExecutionCompletedEventAttributes', 2);
  await writeHistory('etl-loads-reloaded', temporal.workflow.getHandle(ETL_LOADS_ID));
}

const untilEvents = (
  temporal: Client,
  attributes:
    'childWorkflowExecutionStartedEventAttributes' | 'childWorkflowExecutionCompletedEventAttributes',
  count: number,
) =>
  until(`${count} events have ${attributes}`, async () => {
    const { events } = await temporal.workflow.getHandle(ETL_LOADS_ID).fetchHistory();
    return (events ?? []).filter((event) => event[attributes] != null).length >= count;
  });
