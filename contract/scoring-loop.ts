import { z } from 'zod';
import type { PartitionTotals, TopicIdentity } from '../domain/scoring/committed-metadata.ts';
import type { Disagreement } from '../domain/scoring/find-position.ts';
import { eventKinds, kindOfTopic, PARTITIONS_PER_SHARD, type EventKind } from '../domain/scoring/topics.ts';
import { shorten } from '../domain/values/invalid-value.ts';
import { isoTimeMs } from '../domain/values/iso-time.ts';
import { count, parseInput, type ParseResult } from './parse-input.ts';
import { scoringLoopId } from './workflow-ids.ts';

/**
 * Stored in the memo of each loop. Increase it when new code cannot continue a running loop. The next worker then replaces the loop, with
 * the input from the memo.
 */
export const LOOP_VERSION = 6;

export const MAX_BATCH_OFFSETS = 10_000;
/** Seconds between two micro-batches of a partition. */
const MIN_TRIGGER = 0.1;
const MAX_TRIGGER = 3600;
const MAX_SLICE_SECONDS = 600;

/** Settings that an operator may change while the loop runs. */
export interface LoopSettings {
  /** Maximum number of offsets in a micro-batch, which belongs to one partition. */
  readonly maxOffsets: number;
  /** Seconds between the starts of two micro-batches without a backlog; 'available' starts one as soon as there is data. */
  readonly trigger: number | 'available';
  /** Whether events behind the watermark are scored and marked, or left out. */
  readonly lateEvents: 'score' | 'drop';
  /** Mean time that an activity works a partition before it reports. The state is at most a quarter more than this old. */
  readonly sliceSeconds: number;
}

export const DEFAULT_LOOP_SETTINGS: LoopSettings = {
  maxOffsets: 1000,
  trigger: 10,
  lateEvents: 'score',
  sliceSeconds: 60,
};

const settingsShape = {
  maxOffsets: z
    .int()
    .min(1)
    .max(MAX_BATCH_OFFSETS)
    .exactOptional()
    .describe(`a whole number from 1 to ${MAX_BATCH_OFFSETS}`),
  trigger: z
    .union([z.number().min(MIN_TRIGGER).max(MAX_TRIGGER), z.literal('available')])
    .exactOptional()
    .describe(`${MIN_TRIGGER} to ${MAX_TRIGGER} seconds, or "available"`),
  lateEvents: z.enum(['score', 'drop']).exactOptional().describe('"score" or "drop"'),
  sliceSeconds: z
    .number()
    .min(1)
    .max(MAX_SLICE_SECONDS)
    .exactOptional()
    .describe(`1 to ${MAX_SLICE_SECONDS} seconds`),
};

const group = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,100}$/)
  .exactOptional()
  .describe('a consumer group: 1 to 100 characters of A-Z a-z 0-9 . _ -');

const configureShape = {
  ...settingsShape,
  group,
  by: z
    .string()
    .max(200)
    .exactOptional()
    .describe('a text of at most 200 characters: who changes the settings'),
};

/** A change of a running loop. Absent fields keep their value. */
export interface LoopChange extends Partial<LoopSettings> {
  /** The loop continues at the offsets that this group committed. */
  readonly group?: string;
  /** Shown in the state with each changed setting. */
  readonly by?: string;
}

/** Checks a change of settings. */
export const parseLoopChange = (given: unknown): ParseResult<LoopChange> => parseInput(configureShape, given);

const loopShape = {
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/)
    .describe('the name of an input topic, such as kol.profiles.raw'),
  kind: z.enum(eventKinds).optional().describe(eventKinds.join(' or ')),
  group,
  shard: count.max(100_000).default(0).describe('the number of a shard, 0 for the first'),
  settings: z
    .strictObject(settingsShape)
    .default({})
    .describe(
      `{"maxOffsets": 1 to ${MAX_BATCH_OFFSETS}, "trigger": ${MIN_TRIGGER} to ${MAX_TRIGGER} (seconds) or "available", "lateEvents": "score" or "drop", "sliceSeconds": 1 to ${MAX_SLICE_SECONDS}}`,
    ),
};

/** Input of `scoringLoop`. Every field except the topic has a default. */
export interface ScoringLoopInput {
  readonly topic: string;
  readonly kind?: EventKind;
  /** Default: the group of the worker that starts the partitions. */
  readonly group?: string | null;
  /** Which partitions the loop works, see docs/scoring.md. */
  readonly shard?: number;
  /** Default: the settings of the worker that starts the partitions. */
  readonly settings?: Partial<LoopSettings>;
  /** State that continue-as-new hands over to the next run. */
  readonly carried?: CarriedLoopState;
}

/**
 * Start options of a loop. Its memo holds `input`, from which another loop can continue it: from the start, because the first workflow task may
 * fail for a long time, for example on workers of an older version. The loop keeps it up to date.
 */
export function loopOptions(input: ScoringLoopInput) {
  const { topic, kind = kindOfTopic(topic), shard = 0 } = input;
  const work = kind === 'profiles' ? 'Scores' : 'Refreshes';
  return {
    workflowId: scoringLoopId(topic, shard),
    args: [input] as [ScoringLoopInput],
    memo: { version: LOOP_VERSION, input },
    staticSummary:
      shard === 0
        ? `${work} the ${kind} of ${topic} in micro-batches`
        : `Partitions of ${topic} from ${shard * PARTITIONS_PER_SHARD} on`,
  };
}

/** The state for the next run of a loop. */
export type CarriedLoopState = Partial<Pick<LoopState, 'paused' | 'setBy' | 'partitionCount'>> & {
  readonly partitions?: readonly CarriedPartition[];
};
/** An older version may have written it, without all fields. */
export type CarriedPartition = Pick<PartitionState, 'partition' | 'position'> & Partial<PartitionState>;

/** The checked input of `scoringLoop`. */
export interface ScoringLoopOptions {
  readonly topic: string;
  readonly kind: EventKind;
  readonly group: string | null;
  readonly shard: number;
  readonly settings: Partial<LoopSettings>;
}

/** Checks the input of a scoring loop and fills in its defaults. `usableCarriedState` reads the carried state. */
export function parseScoringLoopInput(given: ScoringLoopInput | undefined): ParseResult<ScoringLoopOptions> {
  const { carried: _carried, ...input } = given ?? {};
  const parsed = parseInput(loopShape, input);
  if ('invalid' in parsed) return parsed;
  const { topic, kind = kindOfTopic(topic), group: consumerGroup = null, shard, settings } = parsed.value;
  return { value: { topic, kind, group: consumerGroup, shard, settings } };
}

/** Each partition is one activity, and Temporal fails the workflow task that would have more than 2,000 of them. */
const MAX_SEEK_PARTITIONS = 1000;
const isBetween = (value: number, min: number, max: number) => value >= min && value <= max;

const seekTarget = z.union([
  z.strictObject({ time: z.string().refine((text) => !Number.isNaN(isoTimeMs(text))) }),
  z.strictObject({
    offsets: z
      // One name for each partition: "01" would be another name of partition 1.
      .record(z.string().regex(/^(0|[1-9]\d{0,8})$/), count)
      .refine((offsets) => isBetween(Object.keys(offsets).length, 1, MAX_SEEK_PARTITIONS)),
  }),
  z.strictObject({ end: z.enum(['earliest', 'latest']) }),
]);

/**
 * Target of a seek: the first offset at or after a time (ISO 8601), offsets by partition, or an end of the topic.
 * Partitions that are not named keep their position.
 */
export type SeekTarget = z.infer<typeof seekTarget>;

/** Checks the target of a seek. */
export function parseSeekTarget(given: unknown): ParseResult<SeekTarget> {
  const parsed = seekTarget.safeParse(given);
  if (parsed.success) return { value: parsed.data };
  const accepted = `{"time": "2026-01-01T00:00:00Z"} or {"offsets": {"0": 42}} with at most ${MAX_SEEK_PARTITIONS} partitions or {"end": "earliest" or "latest"}`;
  return { invalid: [{ name: 'seek', given: shorten(given), accepted }] };
}

/** An update of a scoring loop, by the name of contract/messages.ts. */
export type LoopUpdate =
  | { readonly name: 'pause' | 'resume'; readonly args: [] }
  | { readonly name: 'configure'; readonly args: [LoopChange] }
  | { readonly name: 'seek'; readonly args: [SeekTarget] };

/** Consecutive failures of a partition without progress. */
interface Stuck {
  /** The first failure, and the last one so far. */
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly reason: string;
  readonly attempts: number;
}

/** The state of a partition from the last report of its slice. */
export interface PartitionState {
  readonly partition: number;
  /** Next offset to read. Used when Kafka has deleted the committed offset. */
  readonly position: number;
  /** The topic that the position belongs to; null until a slice has seen it. */
  readonly identity: TopicIdentity | null;
  readonly totals: PartitionTotals;
  readonly lag: {
    readonly offsets: number;
    /** Age of the last event that was scored, by its event time and by the time at which Kafka got it; 0 without a lag. */
    readonly eventSeconds: number | null;
    readonly appendSeconds: number | null;
  };
  /** Records a second during the last slice. */
  readonly perSecond: number;
  readonly lastBatch: {
    readonly startedAtMs: number;
    readonly offsets: number;
    readonly durationMs: number;
    /** When Kafka got its last record. */
    readonly appendedMs: number | null;
  } | null;
  /** Shown in the state of a loop if `isStuck`. */
  readonly stuck: Stuck | null;
  /** A transaction of another producer is open: nothing behind it can be read yet. */
  readonly blocked: { readonly sinceMs: number; readonly offsets: number } | null;
  /** The last time that the committed offset in Kafka differed from the position of the loop. */
  readonly disagreement: { readonly atMs: number; readonly kind: Disagreement } | null;
  /** The worker that reported. */
  readonly worker: string | null;
}

const STUCK_AFTER_MS = 10_000;
/** Whether a partition has failed for a long time. A single failure is normal, for example while a leader moves. */
export const isStuck = ({ stuck }: Pick<PartitionState, 'stuck'>): boolean =>
  stuck !== null && stuck.lastMs - stuck.sinceMs > STUCK_AFTER_MS;

/** A partition without a position, which could not be started, for example because it has no leader. */
export interface UnstartedPartition {
  readonly partition: number;
  readonly reason: string;
}

/** State of a scoring loop, as the `state` query returns it. */
export interface LoopState {
  readonly topic: string;
  readonly kind: EventKind;
  /** Null until the first worker has answered. */
  readonly group: string | null;
  readonly shard: number;
  readonly settings: LoopSettings;
  /** Who changed each setting, by name. Defaults are not listed. */
  readonly setBy: Readonly<Record<string, { readonly by: string; readonly atMs: number }>>;
  readonly state: 'running' | 'pausing' | 'paused' | 'moving';
  readonly paused: boolean;
  /** Sum over the partitions of this loop. */
  readonly totals: PartitionTotals;
  readonly lag: number;
  readonly partitions: readonly PartitionState[];
  /** Their start is repeated every few seconds. */
  readonly unstarted: readonly UnstartedPartition[];
  /** Partitions of the topic. Other loops work the partitions that are not in `partitions`. */
  readonly partitionCount: number;
  /** Workflow ids of those loops. */
  readonly shards: readonly string[];
}
