import {
  allHandlersFinished,
  condition,
  executeChild,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { partsOfTables } from '../domain/warming.ts';
import { tablesLoaded, type EtlLoad } from './messages.ts';
import { warmCache } from './warm-cache.ts';

/** Pipelines load table after table: signals this close together become one warm. */
const WINDOW = '5 seconds';

/**
 * Receives ETL signals (signal-with-start, so it need not run) and turns those of a short window into one warm of just the
 * parts that depend on the tables. Signals that come during the warm make the next one. Ends when there are none.
 */
export async function etlLoads(): Promise<void> {
  let loads: EtlLoad[] = [];
  setHandler(tablesLoaded, (load) => {
    loads.push(load);
  });
  await condition(() => loads.length > 0, '10 seconds');
  for (let round = 1; loads.length > 0; round += 1) {
    setCurrentDetails(`Gathering signals for ${WINDOW}`);
    await sleep(WINDOW);
    const taken = loads;
    loads = [];
    // A signal's sender may be anyone: what is no list of tables is logged, not thrown, or it would stop the others.
    const tables = [
      ...new Set(taken.flatMap((load) => (Array.isArray(load?.tables) ? load.tables.map(String) : []))),
    ];
    const parts = partsOfTables(tables);
    if (parts.length === 0) {
      log.warn('No part of the cache depends on the loaded tables', { tables });
      continue;
    }
    const pipelines = [...new Set(taken.map((load) => load?.pipeline ?? 'unknown'))].join(', ').slice(0, 100);
    setCurrentDetails(`Warming ${parts.join(', ')} after loads of ${tables.join(', ')}`);
    try {
      await executeChild(warmCache, {
        workflowId: `warm-cache-${workflowInfo().workflowId}-${workflowInfo().runId.slice(0, 8)}-${round}`,
        args: [{ parts, trigger: 'etl', requestedBy: pipelines }],
        staticSummary: `Warm of ${parts.join(', ')} after an ETL load by ${pipelines}`,
      });
    } catch (error) {
      // Its own run shows why; later loads must still be served.
      log.error('The warm after an ETL load failed', { error: String(error) });
    }
  }
  await condition(allHandlersFinished);
}
