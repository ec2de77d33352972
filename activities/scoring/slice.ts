import type { RecordReader } from '../../clients/kafka/record-reader.ts';
import type { LoopSettings, PartitionState } from '../../contract/scoring-loop.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import type { FencePartitionDeps } from './fence-partition.ts';
import type { RefreshVideosDeps } from './refresh-videos.ts';
import type { ScoreProfilesDeps } from './score-profiles.ts';

/** What a slice needs to know. */
export interface SliceArgs extends TopicPartition {
  readonly kind: EventKind;
  readonly group: string;
  readonly settings: Omit<LoopSettings, 'sliceSeconds'>;
  readonly sliceMs: number;
  /** The partition as the loop knows it. */
  readonly state: PartitionState;
  /** Partitions of the topic, as the loop knows them. When there are more, the slice ends. */
  readonly partitionCount: number;
}

/** What a slice reports to its loop. */
export interface SliceReport {
  readonly state: PartitionState;
  /** Partitions of the topic as the slice saw them last; what the loop knows when it saw none. */
  readonly partitionCount: number;
}

export interface ScorePartitionDeps extends FencePartitionDeps, ScoreProfilesDeps, RefreshVideosDeps {
  readonly reader: RecordReader;
  /** Aborted when the worker starts to shut down. */
  readonly draining: AbortSignal;
}

/** After this time a batch in flight is cut to what the model has scored. */
const CUT_AFTER_MS = 500;
/** Until this time of a slice no batch is cut because the time is up: a short slice could end before each answer of a slow model. */
const FIRST_CUT_MS = 10_000;
/** After the cut, the slice has this long until it reports, whatever still runs. The fence of the next slice ends it. */
const OVER_AFTER_CUT_MS = 5500;

/** The end of a slice. */
export interface SliceTime {
  /** No further batch begins: the time is up, the loop has cancelled the slice, or the worker shuts down. */
  readonly ending: AbortSignal;
  /** A batch in flight is cut to what the model has scored. */
  readonly cut: AbortSignal;
  /** What still runs is given up. */
  readonly over: AbortSignal;
  /** Gives up what still runs, and frees the timers. */
  close(): void;
}

/** @param stops signals that end the slice earlier */
export function startSliceTime(sliceMs: number, stops: readonly AbortSignal[]): SliceTime {
  const ending = new AbortController();
  const cut = new AbortController();
  const over = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const end = (cutAfterMs: number) => {
    ending.abort();
    timers.push(
      setTimeout(() => cut.abort(), cutAfterMs),
      setTimeout(() => over.abort(new Error('the slice is over')), cutAfterMs + OVER_AFTER_CUT_MS),
    );
  };
  const endNow = () => end(CUT_AFTER_MS);
  timers.push(setTimeout(() => end(Math.max(CUT_AFTER_MS, FIRST_CUT_MS - sliceMs)), sliceMs));
  for (const stop of stops) {
    if (stop.aborted) endNow();
    stop.addEventListener('abort', endNow, { once: true });
  }
  return {
    ending: ending.signal,
    cut: cut.signal,
    over: over.signal,
    close() {
      timers.forEach(clearTimeout);
      for (const stop of stops) stop.removeEventListener('abort', endNow);
      over.abort(new Error('the slice is over'));
    },
  };
}
