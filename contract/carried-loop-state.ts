import { z } from 'zod';
import { NO_TOTALS, type PartitionTotals } from '../domain/scoring/committed-metadata.ts';
import { disagreements } from '../domain/scoring/find-position.ts';
import { count, timeMs } from './parse-input.ts';
import type { CarriedLoopState, CarriedPartition, PartitionState } from './scoring-loop.ts';

const MAX_PARTITIONS = 1_000_000;

const carried: Shape<CarriedLoopState> = {
  paused: z.boolean(),
  setBy: z.record(z.string(), z.object({ by: z.string(), atMs: timeMs })),
  partitionCount: count.max(MAX_PARTITIONS),
  partitions: z.array(z.unknown()).transform((given) => given.flatMap(usablePartition)),
};

const partition: Shape<PartitionState> = {
  partition: count.max(MAX_PARTITIONS - 1),
  position: count,
  identity: z.object({ clusterId: z.string(), topicId: z.string() }).nullable(),
  totals: z.record(z.enum(Object.keys(NO_TOTALS) as (keyof PartitionTotals)[]), count),
  lag: z.object({
    offsets: z.number(),
    eventSeconds: z.number().nullable(),
    appendSeconds: z.number().nullable(),
  }),
  perSecond: z.number(),
  lastBatch: z
    .object({
      startedAtMs: timeMs,
      offsets: z.number(),
      durationMs: z.number(),
      appendedMs: timeMs.nullable(),
    })
    .nullable(),
  stuck: z.object({ sinceMs: timeMs, lastMs: timeMs, reason: z.string(), attempts: z.number() }).nullable(),
  blocked: z.object({ sinceMs: timeMs, offsets: z.number() }).nullable(),
  disagreement: z.object({ atMs: timeMs, kind: z.enum(disagreements) }).nullable(),
  worker: z.string().nullable(),
};

/**
 * The valid part of the state that a run hands over. Any client can start a loop, and an older version may have written the state. What is
 * not valid is left out: the loop finds its partitions in Kafka, and their positions too.
 */
export const usableCarriedState = (given: unknown): CarriedLoopState => validFields(carried, given);

/** The valid fields of the state of a partition; nothing without its number or its position. */
function usablePartition(given: unknown): CarriedPartition[] {
  const { partition: number, position, ...state } = validFields(partition, given);
  return number === undefined || position === undefined ? [] : [{ partition: number, position, ...state }];
}

type Shape<T> = { readonly [Name in keyof T]-?: z.ZodType<T[Name]> };

function validFields<T extends object>(shape: Shape<T>, given: unknown): Partial<T> {
  if (typeof given !== 'object' || given === null) return {};
  const fields = Object.entries<z.ZodType>(shape).flatMap(([name, schema]) => {
    const parsed = schema.safeParse((given as Readonly<Record<string, unknown>>)[name]);
    return parsed.success ? [[name, parsed.data] as const] : [];
  });
  return Object.fromEntries(fields) as Partial<T>;
}
