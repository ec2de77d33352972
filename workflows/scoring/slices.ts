import { CancellationScope, condition, proxyActivities } from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import type { SliceReport } from '../../activities/scoring/slice.ts';
import type { PartitionState } from '../../contract/scoring-loop.ts';
import { slice } from '../activity-options.ts';
import { knownPartitions, noteReport, type LoopMemory } from './loop-memory.ts';

/** Slices last this share of `sliceSeconds`, at random, so that they do not end together. */
const MIN_SHARE = 0.75;
const MAX_SHARE = 1.25;
/** At continue-as-new, slices have this long to end. The slices of the next run fence those that still run. */
const HAND_OVER_MS = 1500;

/** The slices of a loop: at most one runs for each partition. */
export type Slices = ReturnType<typeof createSlices>;

/** @param onReport called when the report of a slice is noted */
export function createSlices(loop: LoopMemory, onReport: () => void) {
  const running = new Map<number, CancellationScope>();
  let isHandingOver = false;

  /** @returns undefined when it was stopped and has not reported: the next slice finds in Kafka what it committed */
  async function runSlice(state: PartitionState, partitionCount: number): Promise<SliceReport | undefined> {
    const { topic, kind, group, settings } = loop;
    const { partition } = state;
    if (group === null) throw new Error(`partition ${partition} has no group`);
    const options = { ...slice, summary: `partition ${partition}` };
    const { scorePartition } = proxyActivities<ScoringActivities>(options);
    const { sliceSeconds, ...rest } = settings;
    const share = MIN_SHARE + (MAX_SHARE - MIN_SHARE) * Math.random();
    const sliceMs = Math.round(sliceSeconds * 1000 * share);
    const scope = new CancellationScope();
    running.set(partition, scope);
    try {
      return await scope.run(() =>
        scorePartition({ topic, kind, group, partition, settings: rest, sliceMs, state, partitionCount }),
      );
    } catch (error) {
      // A stopped slice is not retried. When its worker dies, it ends with a timeout instead of a cancellation.
      if (!scope.consideredCancelled || CancellationScope.current().consideredCancelled) throw error;
      return undefined;
    } finally {
      running.delete(partition);
    }
  }

  /** Ends the slices that run. Each commits its batch in flight, and reports. @param withinMs waits at most this long for it */
  async function stop(withinMs?: number): Promise<void> {
    const stopping = new Set(running.values());
    for (const scope of stopping) scope.cancel();
    await condition(() => [...running.values()].every((scope) => !stopping.has(scope)), withinMs);
  }

  return {
    isRunning: () => running.size > 0,
    stop,
    /** Works a partition, slice after slice, until it is gone or the loop hands over to its next run. */
    async work(partition: number): Promise<void> {
      for (;;) {
        await condition(() => isHandingOver || (!loop.paused && loop.moves === 0));
        const state = loop.partitions.get(partition);
        if (isHandingOver || state === undefined) return;
        const known = knownPartitions(loop, partition);
        const report = await runSlice(state, known);
        if (report === undefined) continue;
        noteReport(loop, report, known);
        onReport();
      }
    },
    /** Stops for the next run, which starts its own slices. */
    handOver(): Promise<void> {
      isHandingOver = true;
      return stop(HAND_OVER_MS);
    },
  };
}
