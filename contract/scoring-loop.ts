import { z } from 'zod';
import type { OffsetDifferences, OffsetsByPartition } from '../domain/scoring/compare-offsets.ts';
import { eventKinds, type EventKind } from '../domain/scoring/topics.ts';
import { shorten } from '../domain/values/invalid-value.ts';
import { isoTimeMs } from '../domain/values/iso-time.ts';
import { parseInput, type ParseResult } from './parse-input.ts';

const MAX_BATCH_OFFSETS = 10_000;
/** Seconds between two batches. */
const MIN_TRIGGER = 0.1;
const MAX_TRIGGER = 3600;

/** Settings that an operator may change while the loop runs. */
export interface LoopSettings {
  /** Maximum number of offsets in a batch, over all partitions. */
  readonly maxOffsets: number;
  /** Seconds between the starts of two batches when there is no backlog; 'available' starts a batch as soon as there is data. */
  readonly trigger: number | 'available';
}

const DEFAULT_LOOP_SETTINGS: LoopSettings = { maxOffsets: 1000, trigger: 10 };

const settingsShape = {
  maxOffsets: z
    .int()
    .min(1)
    .max(MAX_BATCH_OFFSETS)
    .optional()
    .describe(`a whole number from 1 to ${MAX_BATCH_OFFSETS}`),
  trigger: z
    .union([z.number().min(MIN_TRIGGER).max(MAX_TRIGGER), z.literal('available')])
    .optional()
    .describe(`${MIN_TRIGGER} to ${MAX_TRIGGER} seconds, or "available"`),
};

/** Checks a change of settings. Settings that are absent keep their value. */
export const parseLoopSettings = (given: unknown): ParseResult<Partial<LoopSettings>> =>
  withoutUndefined(parseInput(settingsShape, given));

const loopShape = {
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/)
    .describe('the name of an input topic, such as kol.profiles.raw'),
  kind: z.enum(eventKinds).default('profiles').describe(eventKinds.join(' or ')),
  group: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/)
    .default('kol-scoring')
    .describe('a consumer group: 1 to 100 characters of A-Z a-z 0-9 . _ -'),
  settings: z
    .strictObject(settingsShape)
    .default({})
    .describe(
      `{"maxOffsets": 1 to ${MAX_BATCH_OFFSETS}, "trigger": ${MIN_TRIGGER} to ${MAX_TRIGGER} (seconds) or "available"}`,
    ),
};

/** Input of `scoringLoop`. Every field except the topic has a default. */
export interface ScoringLoopInput {
  readonly topic: string;
  readonly kind?: EventKind;
  readonly group?: string;
  readonly settings?: Partial<LoopSettings>;
  /** State that continue-as-new hands over to the next run. */
  readonly carried?: CarriedLoopState;
}

type CarriedLoopState = Pick<
  LoopState,
  'paused' | 'batches' | 'totals' | 'lastBatch' | 'positions' | 'disagreement'
>;

/** The input of `scoringLoop` with its defaults. */
export interface ScoringLoopOptions {
  readonly topic: string;
  readonly kind: EventKind;
  readonly group: string;
  readonly settings: LoopSettings;
}

/** Checks the input of a scoring loop and fills in its defaults. */
export function parseScoringLoopInput(given: ScoringLoopInput | undefined): ParseResult<ScoringLoopOptions> {
  const { carried: _carried, ...input } = given ?? {};
  const parsed = parseInput(loopShape, input);
  if ('invalid' in parsed) return parsed;
  const settings = { ...DEFAULT_LOOP_SETTINGS, ...defined(parsed.value.settings) };
  return { value: { ...parsed.value, settings } };
}

/**
 * Target of a seek: the first offset at or after a time (ISO 8601), offsets by partition, or an end of the topic.
 * Partitions that are not named keep their position.
 */
export type SeekTarget =
  | { readonly time: string }
  | { readonly offsets: Readonly<Record<string, number>> }
  | { readonly end: 'earliest' | 'latest' };

const seekTarget = z.union([
  z.strictObject({ time: z.string().refine((text) => !Number.isNaN(isoTimeMs(text))) }),
  z.strictObject({
    offsets: z
      .record(z.string().regex(/^\d+$/), z.int().min(0))
      .refine((offsets) => Object.keys(offsets).length > 0),
  }),
  z.strictObject({ end: z.enum(['earliest', 'latest']) }),
]);

/** Checks the target of a seek. */
export function parseSeekTarget(given: unknown): ParseResult<SeekTarget> {
  const parsed = seekTarget.safeParse(given);
  if (parsed.success) return { value: parsed.data };
  const accepted =
    '{"time": "2026-01-01T00:00:00Z"} or {"offsets": {"0": 42}} or {"end": "earliest" or "latest"}';
  return { invalid: [{ name: 'seek', given: shorten(given), accepted }] };
}

/** Counts since the loop was first started. */
export interface LoopTotals {
  readonly records: number;
  readonly scored: number;
  readonly deadLetters: number;
  readonly late: number;
  readonly superseded: number;
  readonly expired: number;
}

/** The last batch that had work. */
interface LastBatch {
  readonly plannedAtMs: number;
  readonly offsets: number;
  readonly partitions: number;
  readonly durationMs: number;
}

/** State of a scoring loop, as the `state` query returns it. */
export interface LoopState {
  readonly topic: string;
  readonly kind: EventKind;
  readonly group: string;
  readonly settings: LoopSettings;
  readonly state: 'waiting' | 'scoring' | 'paused' | 'seeking';
  readonly paused: boolean;
  readonly batches: number;
  readonly totals: LoopTotals;
  readonly lastBatch: LastBatch | null;
  /** Lag in offsets when the last batch was planned, minus the offsets of that batch. */
  readonly lag: number;
  /** Partitions whose log ends before the committed offset. They wait for a seek. */
  readonly truncated: readonly number[];
  /** Committed offset by partition as the loop last saw it. It counts when Kafka has lost the committed offset. */
  readonly positions: OffsetsByPartition;
  /** The last time when Kafka reported other committed offsets than these. */
  readonly disagreement: (OffsetDifferences & { readonly atMs: number }) | null;
}

/** zod keeps absent optional fields as undefined; merging settings needs them absent. */
const withoutUndefined = (
  parsed: ParseResult<{ maxOffsets?: number | undefined; trigger?: number | 'available' | undefined }>,
): ParseResult<Partial<LoopSettings>> => ('invalid' in parsed ? parsed : { value: defined(parsed.value) });

function defined(settings: {
  maxOffsets?: number | undefined;
  trigger?: number | 'available' | undefined;
}): Partial<LoopSettings> {
  const { maxOffsets, trigger } = settings;
  return { ...(maxOffsets !== undefined && { maxOffsets }), ...(trigger !== undefined && { trigger }) };
}
