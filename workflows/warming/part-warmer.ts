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
import {
  partWarmedSignal,
  warmProgressQuery,
  warmRequestedSignal,
  warmWithdrawnSignal,
} from '../../contract/messages.ts';
import {
  parsePartWarmerInput,
  parseWarmRequest,
  type PartOutcome,
  type PartWarmerInput,
  type WarmRequest,
} from '../../contract/part-warmer.ts';
import type { WarmProgress } from '../../contract/warm-cache.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { mergeScopes } from '../../domain/warming/warm-scope.ts';
import { asCode } from '../as-code.ts';
import { validInput, validSignal } from '../valid-input.ts';
import { areCarriable, carriedRequests, carryRequests, chooseRequests } from './waiting-requests.ts';
import { warmPart, type OnProgress } from './warm-part.ts';

const NO_PROGRESS: WarmProgress = { rows: 0, total: 0 };

/**
 * Warms one part, one run at a time. Requests that arrive during a run wait for the next run, which serves all of them. Only a scoped
 * request that accepts a smaller table has its own run. Every requester receives the outcome of the run that served it. A run without any
 * waiting requester is cancelled. The workflow ends when there are no requests.
 * @throws InvalidInput
 */
export async function partWarmer(input: PartWarmerInput): Promise<void> {
  const { part, ...carried } = validInput(parsePartWarmerInput(input));
  let waiting = carriedRequests(carried);
  let served: readonly WarmRequest[] = [];
  let running: CancellationScope | undefined;
  let progress = NO_PROGRESS;
  const show = () => setCurrentDetails(formatDetails(part, served, waiting.length, progress));
  const onProgress: OnProgress = (now) => {
    progress = now;
    show();
  };

  setHandler(warmRequestedSignal, (given) => {
    const request = validSignal(warmRequestedSignal, parseWarmRequest(given));
    if (request === undefined) return;
    // ignore the repeated request of a requester that waits long
    if ([...served, ...waiting].some(({ runId }) => runId === request.runId)) return;
    waiting = [...waiting, request];
    show();
  });
  setHandler(warmWithdrawnSignal, (runId) => {
    waiting = waiting.filter((request) => request.runId !== runId);
    served = served.filter((request) => request.runId !== runId);
    if (served.length === 0) running?.cancel();
    show();
  });
  setHandler(warmProgressQuery, () => progress);

  // The first request arrives with the start. A manual start without a request ends after this time.
  await condition(() => waiting.length > 0, '10 seconds');
  while (waiting.length > 0) {
    ({ next: served, rest: waiting } = chooseRequests(waiting));
    onProgress(NO_PROGRESS);
    running = new CancellationScope();
    const outcome = await running.run(() => warmOnce(part, served, onProgress));
    running = undefined;
    const requesters = served;
    served = [];
    await notifyAll(requesters, part, outcome);
    if (outcome.cancelled !== undefined && CancellationScope.current().consideredCancelled) {
      await notifyAll(waiting, part, outcome);
      throw outcome.cancelled;
    }
    if (waiting.length > 0 && areCarriable(waiting) && workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof partWarmer>({ part, ...carryRequests(waiting) });
    }
  }
  await condition(allHandlersFinished);
}

type RunOutcome = ({ readonly report: PartReport } | { readonly error: string }) & {
  /** Set when the run was cancelled, not failed. */
  readonly cancelled?: Error;
};

/** One run for all requests, with the union of their options. */
async function warmOnce(
  part: WarmPart,
  requests: readonly WarmRequest[],
  onProgress: OnProgress,
): Promise<RunOutcome> {
  const [first] = requests;
  if (first === undefined) throw new Error('a warm needs a request');
  const args = {
    trigger: first.trigger,
    runId: first.runId,
    dryRun: false,
    allProfiles: requests.some(({ allProfiles }) => allProfiles),
    force: requests.some(({ force }) => force),
    allowShrink: requests.some(({ allowShrink }) => allowShrink),
    scope: mergeScopes(requests.map(({ scope }) => scope)),
  };
  try {
    return { report: await warmPart(part, args, onProgress) };
  } catch (error) {
    if (isCancellation(error)) return { error: 'it was cancelled', cancelled: error as Error };
    if (!(error instanceof ActivityFailure)) throw error;
    return { error: error.cause?.message ?? error.message };
  }
}

/** Not cancellable: the requesters need the outcome even if this workflow is cancelled. */
const notifyAll = (
  requests: readonly WarmRequest[],
  part: WarmPart,
  { cancelled: _cancelled, ...outcome }: RunOutcome,
): Promise<unknown> =>
  CancellationScope.nonCancellable(() =>
    Promise.all(requests.map((request) => notify(request, { part, runId: request.runId, ...outcome }))),
  );

async function notify({ replyTo }: WarmRequest, outcome: PartOutcome): Promise<void> {
  try {
    // without a run id: after a reset, another run of the requester waits
    await getExternalWorkflowHandle(replyTo).signal(partWarmedSignal, outcome);
  } catch {
    // the requester has ended and needs no outcome
  }
}

/** Progress as Markdown, for the Temporal UI. */
function formatDetails(
  part: WarmPart,
  served: readonly WarmRequest[],
  waiting: number,
  { rows, total }: WarmProgress,
): string {
  return [
    `Warming **${part}** for ${served.map(({ replyTo }) => asCode(replyTo)).join(', ')}`,
    ...(total > 0 ? [`${rows} of ${total} rows (splits in progress are not counted)`] : []),
    ...(waiting > 0 ? [`${waiting} more requests wait for the next run`] : []),
  ].join('\n\n');
}
