import {
  ActivityFailure,
  allHandlersFinished,
  condition,
  getExternalWorkflowHandle,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { WarmActivities } from '../activities/index.ts';
import type { PartReport, WarmPart } from '../domain/warming.ts';
import { warming } from './activity-options.ts';
import { partWarmed, warmRequested, type PartOutcome, type WarmRequest } from './messages.ts';

/**
 * Warms one part, one run at a time, whoever asks. Requests that come while it runs wait for the next run, which serves
 * them all; each is told the result of the run that served it. Ends when nobody waits.
 */
export async function partWarmer({ part }: { part: WarmPart }): Promise<void> {
  let waiting: WarmRequest[] = [];
  setHandler(warmRequested, (request) => {
    waiting.push(request);
  });
  // The first request comes with the start; a start by hand without one ends at once.
  await condition(() => waiting.length > 0, '10 seconds');
  while (waiting.length > 0) {
    const served = waiting;
    waiting = [];
    setCurrentDetails(`Warming **${part}** for ${served.map(({ replyTo }) => `\`${replyTo}\``).join(', ')}`);
    const outcome = await warm(part, served);
    await Promise.all(served.map((request) => tell(request, { part, runId: request.runId, ...outcome })));
  }
  await condition(allHandlersFinished);
}

type Outcome = { readonly report: PartReport } | { readonly error: string };

/** One run for all: the most that any of them asked for. */
async function warm(part: WarmPart, served: readonly WarmRequest[]): Promise<Outcome> {
  const [first] = served;
  if (first === undefined) throw new Error('a warm without a request');
  const args = {
    trigger: first.trigger,
    runId: first.runId,
    dryRun: false,
    allProfiles: served.some(({ allProfiles }) => allProfiles),
  };
  try {
    return { report: await warmerOf(part)(args) };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { error: error.cause?.message ?? error.message };
  }
}

/** A requester that is gone needs no answer. */
async function tell({ replyTo, runId }: WarmRequest, outcome: PartOutcome): Promise<void> {
  try {
    await getExternalWorkflowHandle(replyTo, runId).signal(partWarmed, outcome);
  } catch {
    // nobody listens
  }
}

/** The activity that warms a part; its name is what the UI shows. */
export function warmerOf(part: WarmPart) {
  const activities = proxyActivities<WarmActivities>({ ...warming, summary: part });
  return {
    profiles: activities.warmProfiles,
    rankings: activities.warmRankings,
    trending: activities.warmTrending,
    stats: activities.warmStats,
    search: activities.warmSearch,
    lists: activities.warmLists,
  }[part];
}
