import { z } from 'zod';
import type { LoadMemorySnapshot } from '../domain/warming/load-memory.ts';
import type { WaitingLoads } from '../domain/warming/load-queue.ts';
import { warmParts } from '../domain/warming/warm-parts.ts';
import type { EtlLoadsState } from './etl-loads.ts';
import { count, parseMessage, timeMs, type ParseResult } from './parse-input.ts';
import { mergedScope } from './warm-cache.ts';

/** Input of `etlLoads`: nothing, or the state of the previous run. */
export interface EtlLoadsInput {
  readonly state?: EtlLoadsState;
  readonly waiting?: WaitingLoads;
  readonly memory?: LoadMemorySnapshot;
}

const parts = z.array(z.enum(warmParts));

const warm = z.object({
  workflowId: z.string(),
  parts,
  requestedBy: z.string(),
  loads: count,
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  keys: z.number().nullable(),
  error: z.string().nullable(),
});
const state: z.ZodType<EtlLoadsState> = z.object({
  taken: count,
  repeats: count,
  ignored: count,
  problems: z.array(z.object({ at: z.string(), ignored: z.boolean(), reason: z.string() })),
  waiting: z.object({ loads: count, parts }),
  lastWarm: warm.nullable(),
});

const waiting: z.ZodType<WaitingLoads> = z.object({
  loads: count,
  parts,
  scopes: z.partialRecord(z.enum(warmParts), mergedScope),
  pipelines: z.array(z.string()),
});

const memory: z.ZodType<LoadMemorySnapshot> = z.object({
  loads: z.array(
    z.object({
      key: z.string(),
      run: z.string(),
      pipeline: z.string(),
      tables: z.array(z.string()),
      takenMs: timeMs,
      loadedMs: timeMs,
      repeated: z.boolean(),
      warm: count.nullable(),
    }),
  ),
  warms: z.array(
    z.object({
      workflowId: z.string().nullable(),
      endedMs: timeMs.nullable(),
      error: z.string().nullable(),
    }),
  ),
});

const input = z.object({
  state: state.exactOptional(),
  waiting: waiting.exactOptional(),
  memory: memory.exactOptional(),
});

/** Checks the input of the receiver of ETL loads: any client can start it. */
export const parseEtlLoadsInput = (given: unknown): ParseResult<EtlLoadsInput> =>
  parseMessage(input, given ?? {}, {
    name: 'input',
    accepted: 'nothing, or what the previous run hands over',
  });
