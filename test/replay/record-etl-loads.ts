import type { Client } from '@temporalio/client';
import { signalEtlLoad } from '../../clients/temporal/signal-etl-load.ts';
import { until } from '../support/until.ts';
import { writeHistory } from './history-file.ts';

/** Records etlLoads: two loads and a repeat that become one warm. */
export async function recordEtlLoads(temporal: Client): Promise<void> {
  const load = { tables: ['kol_content'], pipeline: 'silver', runId: '1' };
  await signalEtlLoad(temporal, load);
  await signalEtlLoad(temporal, load);
  const { workflowId, runId } = await signalEtlLoad(temporal, {
    tables: ['kol_profiles'],
    pipeline: 'silver',
    runId: '2',
    ids: ['1'],
  });
  const receiver = temporal.workflow.getHandle(workflowId, runId);
  await until('its warm is done', async () => {
    const { events } = await receiver.fetchHistory();
    return (events ?? []).some((event) => event.childWorkflowExecutionCompletedEventAttributes != null);
  });
  await writeHistory('etl-loads', receiver);
}
