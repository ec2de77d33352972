import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { mergeScopes, type PartReport, type WarmPart } from '../../domain/warming/warm-parts.ts';
import {
  partWarmedSignal,
  warmProgressQuery,
  warmRequestedSignal,
  warmWithdrawnSignal,
  type PartOutcome,
  type WarmRequest,
} from '../../contract/messages.ts';
import { warmPart, type WarmProgress } from './warm-part.ts';

/**
 * Warms one part, one run at a time, whoever asks. Requests that come while it runs wait for the next run, which serves
 * them all; each is told the result of the run that served it. A run that nobody waits for any more is cancelled. Ends when
 * there are no requests.
 */
export async function partWarmer({
  part,
  waiting = [],
}: {
  part: WarmPart;
  /** Requests that a run before this one left. */
  waiting?: WarmRequest[];
}): Promise<void> {
  let served: WarmRequest[] = [];
  let running: CancellationScope | undefined;
  let progress: WarmProgress = { rows: 0, total: 0 };
  const show = () => setCurrentDetails(describe(part, served, waiting.length, progress));

  setHandler(warmRequestedSignal, (request) => {
    // Asked again by one that waits long: it has its place already.
    if ([...served, ...waiting].some(({ runId }) => runId === request.runId)) return;
    waiting.push(request);
    show();
  });
  setHandler(warmWithdrawnSignal, (runId) => {
    waiting = waiting.filter((request) => request.runId !== runId);
    served = served.filter((request) => request.runId !== runId);
    if (served.length === 0) running?.cancel();
    show();
  });
  setHandler(warmProgressQuery, () => progress);

  // The first request comes with the start; a start by hand without one ends at once.
  await condition(() => waiting.length > 0, '10 seconds');
  while (waiting.length > 0) {
    served = waiting;
    waiting = [];
    progress = { rows: 0, total: 0 };
    show();
    running = new CancellationScope();
    const outcome = await running.run(() =>
      warm(part, served, (now) => {
        progress = now;
        show();
      }),
    );
    running = undefined;
    const told = served;
    served = [];
    await tellAll(told, part, outcome);
    if (outcome.cancelled !== undefined && CancellationScope.current().consideredCancelled) {
      await tellAll(waiting, part, outcome);
      throw outcome.cancelled;
    }
    if (waiting.length > 0 && workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof partWarmer>({ part, waiting });
    }
  }
  await condition(allHandlersFinished);
}

type RunOutcome = ({ readonly report: PartReport } | { readonly error: string }) & {
  /** Set when the run was cancelled, rather than failed. */
  readonly cancelled?: Error;
};

/** One run for all: the most that any of them asked for. */
async function warm(
  part: WarmPart,
  served: readonly WarmRequest[],
  told: (progress: WarmProgress) => void,
): Promise<RunOutcome> {
  const [first] = served;
  if (first === undefined) throw new Error('a warm without a request');
  const args = {
    trigger: first.trigger,
    runId: first.runId,
    dryRun: false,
    allProfiles: served.some(({ allProfiles }) => allProfiles),
    force: served.some(({ force }) => force),
    allowShrink: served.some(({ allowShrink }) => allowShrink),
    scope: mergeScopes(served.map(({ scope }) => scope)),
  };
  try {
    return { report: await warmPart(part, args, told) };
  } catch (error) {
    if (isCancellation(error)) return { error: 'it was cancelled', cancelled: error as Error };
    if (!(error instanceof ActivityFailure)) throw error;
    return { error: error.cause?.message ?? error.message };
  }
}

/** Tells the outcome also when this workflow is being cancelled: its requesters wait for it. */
const tellAll = (
  requests: readonly WarmRequest[],
  part: WarmPart,
  { cancelled: _, ...outcome }: RunOutcome,
): Promise<unknown> =>
  CancellationScope.nonCancellable(() =>
    Promise.all(requests.map((request) => tell(request, { part, runId: request.runId, ...outcome }))),
  );

/** A requester that is gone needs no answer. */
async function tell({ replyTo, runId }: WarmRequest, outcome: PartOutcome): Promise<void> {
  try {
    await getExternalWorkflowHandle(replyTo, runId).signal(partWarmedSignal, outcome);
  } catch {
    // nobody listens
  }
}

/** Progress for the Temporal UI, as Markdown. */
function describe(
  part: WarmPart,
  served: readonly WarmRequest[],
  waiting: number,
  { rows, total }: WarmProgress,
): string {
  return [
    `Warming **${part}** for ${served.map(({ replyTo }) => `\`${replyTo}\``).join(', ')}`,
    ...(total > 0 ? [`${rows} of ${total} rows, those of splits under way not counted`] : []),
    ...(waiting > 0 ? [`${waiting} more requests wait for the next run`] : []),
  ].join('\n\n');
}
