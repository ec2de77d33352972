import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TopicNotFoundError } from '../../clients/kafka/topic-errors.ts';
import { abortable } from '../../domain/values/abortable.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { createRefreshVideos, type RefreshVideosDeps } from './refresh-videos.ts';
import { createScoreProfiles, type ScoreProfilesDeps } from './score-profiles.ts';
import {
  createSliceProgress,
  isFenced,
  type SliceArgs,
  type SliceProgress,
  type SliceReport,
  type SliceTime,
  startSliceTime,
} from './slice.ts';
import { createWorkPartition, type WorkPartitionDeps } from './work-partition.ts';

export interface ScorePartitionDeps extends WorkPartitionDeps, ScoreProfilesDeps, RefreshVideosDeps {
  /** Aborted when the worker starts to shut down. */
  readonly draining: AbortSignal;
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5000;
/** A slice whose partition another attempt has taken waits before it reports, so that two loops do not race. */
const FENCED_PAUSE_MS = 1000;

/**
 * A slice: works one partition for some time, micro-batch after micro-batch, then reports (docs/scoring.md). An error is tried
 * again from the fence on, which settles the last transaction. A stuck partition ends its slice early.
 */
export function createScorePartition(deps: ScorePartitionDeps) {
  setMaxListeners(0, deps.draining); // each slice listens
  const workPartition = createWorkPartition(deps, {
    profiles: createScoreProfiles(deps),
    videos: createRefreshVideos(deps),
  });

  return function scorePartition(args: SliceArgs): Promise<SliceReport> {
    const progress = createSliceProgress(args, deps.worker);
    return withHeartbeat(
      async (cancelled) => {
        const stops = [cancelled, deps.draining];
        const time = startSliceTime(args.sliceMs, stops);
        try {
          const lastError = await tryUntilEnd(args, progress, time);
          // What has no end in a slice may have none in the next ones either.
          if (time.over.aborted && !stops.some(({ aborted }) => aborted))
            progress.noteFailure(unfinished(progress, lastError));
          return progress.report();
        } finally {
          time.close();
        }
      },
      () => progress.heartbeat(),
    );
  };

  /** @returns the last error before the slice was over */
  async function tryUntilEnd(args: SliceArgs, progress: SliceProgress, time: SliceTime): Promise<unknown> {
    let lastError: unknown;
    while (!time.ending.aborted) {
      try {
        await abortable([time.over], (own) => workPartition(args, progress, { ...time, over: own.signal }));
        break;
      } catch (error) {
        if (time.over.aborted) break;
        lastError = error;
        const failures = progress.noteFailure(error);
        if (isPartitionMissing(error)) {
          const topic = await deps.offsets.topic(args.topic).catch(() => null);
          progress.notePartitions(topic?.partitionCount ?? 0);
        }
        if (progress.mustReport() || progress.isGone()) break;
        const pauseMs = isFenced(error) ? FENCED_PAUSE_MS : pauseAfter(failures);
        progress.setStep(`waiting ${pauseMs} ms after ${failures} failures`);
        await sleep(pauseMs, undefined, { signal: time.ending }).catch(() => {});
        if (isFenced(error)) break;
      }
    }
    return lastError;
  }
}

/** The failure of a slice whose work had not ended. An earlier error says more about the reason, unless the partition worked after it. */
function unfinished(progress: SliceProgress, lastError: unknown): Error {
  const ended = `the slice ended while it was ${progress.heartbeat().doing}`;
  const isReason = lastError !== undefined && progress.state().stuck !== null;
  return new Error(isReason ? `${messageOf(lastError)}; then ${ended}` : ended);
}

/** The topic is there, and the partition is not. */
const isPartitionMissing = (error: unknown): boolean =>
  error instanceof TopicNotFoundError && error.partition !== undefined;

const pauseAfter = (failures: number): number => Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
