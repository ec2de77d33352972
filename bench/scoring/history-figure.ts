import type { Figure } from '../figures.ts';
import type { ScoringLoop } from './start-scoring.ts';

/**
 * History events of the last batches, as parts of the limit.
 * @param count maximum number of batches; fewer when the loop's current run has fewer
 */
export async function historyFigure(loop: ScoringLoop, when: string, count: number): Promise<Figure> {
  const ratios = (await readBatches(loop))
    .slice(-count)
    .map(({ events, partitions }) => events / (12 + 3 * (partitions - 1)));
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  return {
    what: `history events a batch ${when} (${ratios.length} batches), mean and most, as parts of the limit`,
    value: `${mean.toFixed(2)}, ${Math.max(...ratios).toFixed(2)}`,
    against: 'the limit is 12, and 3 more for each further partition',
    ratio: mean,
  };
}

/**
 * Counts the history events of each batch in the current run of the loop. A batch reaches from the scheduling of its ranges to the
 * scheduling of the next batch's ranges, so it includes the planning of the next batch. Batches with an operator's update are left out.
 */
async function readBatches(loop: ScoringLoop): Promise<{ events: number; partitions: number }[]> {
  const events = (await loop.fetchHistory()).events ?? [];
  const batches: { events: number; partitions: number; hasUpdate: boolean }[] = [];
  let scheduling = false;
  for (const event of events) {
    const isRange = event.activityTaskScheduledEventAttributes?.activityType?.name === 'scoreRange';
    if (isRange && !scheduling) batches.push({ events: 0, partitions: 0, hasUpdate: false });
    scheduling = isRange;
    const batch = batches.at(-1);
    if (batch === undefined) continue;
    batch.events += 1;
    if (isRange) batch.partitions += 1;
    if (event.workflowExecutionUpdateAcceptedEventAttributes) batch.hasUpdate = true;
  }
  // The last batch is not complete.
  return batches.slice(0, -1).filter(({ hasUpdate }) => !hasUpdate);
}
