import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import { judgeFailed } from './judge-failed.ts';
import type { ModelService } from './model-service.ts';
import { isRefusal, normalisedId, type Outcome, type ScoreResult } from './predictions.ts';
import { probeService } from './probe-service.ts';

/**
 * Scores the profiles of one call of `score`, in order as far as calls run at the same time.
 * @param results is filled with the result of each profile, as soon as it is known
 * @param round stops the calls of this round
 * @throws MlApiUnavailableError when the service does not work
 */
export async function scoreRound(
  service: ModelService,
  profiles: readonly ModelFeatures[],
  {
    caller,
    results,
    round,
  }: { caller: string; results: Map<ModelFeatures, ScoreResult>; round: AbortController },
): Promise<void> {
  const calls = service.callsOf(caller, round.signal);
  /** Profiles that failed alone, with the reason. */
  const failed = new Map<ModelFeatures, string>();
  let probe: Promise<void> | undefined;
  /** Calls that fail at the same time share a probe. */
  const expectServiceWorks = () =>
    (probe ??= probeService(profiles, calls).finally(() => {
      probe = undefined;
    }));
  let judgement: Promise<void> | undefined;

  const keep = (batch: readonly ModelFeatures[], outcome: Outcome) => keepResults(results, batch, outcome);

  async function judgeAllFailed(): Promise<void> {
    while (failed.size > 0) {
      const undecided = new Map(failed);
      failed.clear();
      (await judgeFailed(undecided, calls)).forEach((outcome, profile) => keep([profile], outcome));
    }
  }

  /** Judges while the round goes on: a time limit may end the round, and a profile without a result hides all after it. */
  function judgeSoon(): void {
    // A judgement compares with a profile that the service scores. Without one it waits for the end of the round.
    if (calls.knownProfile() === undefined) return;
    judgement ??= judgeAllFailed()
      .catch((error: unknown) => round.abort(error))
      .finally(() => {
        judgement = undefined;
      });
  }

  async function scoreOne(profile: ModelFeatures): Promise<void> {
    const outcome = await calls.score(profile);
    if (outcome.kind !== 'failed') return keep([profile], outcome);
    await expectServiceWorks();
    failed.set(profile, outcome.reason);
    judgeSoon();
  }

  /** A failure waits for its probe before the next call, so an outage costs one call for each that may run in parallel. */
  const scoreEach = (batch: readonly ModelFeatures[]) => inTurn(batch, service.concurrency, scoreOne);

  async function scoreBatch(batch: readonly ModelFeatures[]): Promise<void> {
    if (batch.length === 1) return scoreEach(batch);
    if (batch.length > service.batchSize()) return scoreHalves(batch);
    const outcome = await calls.scoreBatch(batch);
    if (outcome.kind === 'scored') return keep(batch, outcome);
    if (outcome.kind === 'no-endpoint') {
      await scoreEach(batch);
      // A gateway without a service behind it answers so too. Only a single call that works shows what is missing.
      if (batch.some((profile) => isScored(results.get(profile)))) service.noteBatchMissing();
      return;
    }
    if (outcome.kind !== 'refused') await expectServiceWorks();
    await scoreHalves(batch);
    // A profile that makes the model hang fails the round before this line, so the size was the reason.
    if (outcome.kind === 'unanswered') service.noteBatchSize(halfOf(batch));
  }

  /** One profile can fail the whole batch. Halves find it with few calls. */
  async function scoreHalves(batch: readonly ModelFeatures[]): Promise<void> {
    await Promise.all([...inChunks(batch, halfOf(batch))].map(scoreBatch));
  }

  if (service.isBatchMissing()) await scoreEach(profiles);
  else await inTurn(splitBatches(profiles, service.batchSize()), service.concurrency, scoreBatch);
  await judgement;
  round.signal.throwIfAborted();
  await judgeAllFailed();
}

function keepResults(
  results: Map<ModelFeatures, ScoreResult>,
  batch: readonly ModelFeatures[],
  outcome: Outcome,
): void {
  batch.forEach((profile, index) => {
    const result = outcome.kind === 'scored' ? outcome.predictions[index] : { refused: outcome.reason };
    if (result !== undefined) results.set(profile, result);
  });
}

const halfOf = (batch: readonly ModelFeatures[]): number => Math.ceil(batch.length / 2);

const isScored = (result: ScoreResult | undefined) => result !== undefined && !isRefusal(result);

/** Works on the items in order, on a few at the same time. */
async function inTurn<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}

/**
 * Splits profiles into batches in which no two have the same id, as far as a service tells ids apart. The answers to a batch are
 * matched by id: with one name on two platforms in it, each could get the score of the other. Each profile goes into the first batch
 * that has room for it.
 */
export function splitBatches(profiles: readonly ModelFeatures[], size: number): ModelFeatures[][] {
  const batches: Map<string, ModelFeatures>[] = [];
  for (const profile of profiles) {
    const id = normalisedId(profile.kol_id);
    let batch = batches.find((each) => each.size < size && !each.has(id));
    if (batch === undefined) batches.push((batch = new Map<string, ModelFeatures>()));
    batch.set(id, profile);
  }
  return batches.map((batch) => [...batch.values()]);
}
