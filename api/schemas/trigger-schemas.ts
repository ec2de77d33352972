import { z } from 'zod';
import { silverTables } from '../../domain/schema/silver-tables.ts';
import { warmTriggers } from '../../domain/warming/warm-options.ts';
import { warmParts } from '../../domain/warming/warm-parts.ts';
import { count, utcTime } from './table-schema.ts';

export const startedSchema = z.strictObject({ workflow_id: z.string() });

const parts = z.array(z.enum(warmParts));
const loadState = z.enum(['taken', 'warming', 'done', 'failed']);
const error = z.string().nullable();

export const etlLoadsSchema = z.strictObject({
  taken: count,
  repeats: count,
  ignored: count,
  problems: z.array(z.strictObject({ at: utcTime, ignored: z.boolean(), reason: z.string() })),
  waiting: z.strictObject({ loads: count, parts }),
  last_warm: z
    .strictObject({
      workflow_id: z.string(),
      parts,
      requested_by: z.string(),
      loads: count,
      started_at: utcTime,
      ended_at: utcTime.nullable(),
      keys: count.nullable(),
      error,
    })
    .nullable(),
});

export const etlRunSchema = z.strictObject({
  run_id: z.string(),
  state: loadState,
  error,
  loads: z.array(
    z.strictObject({
      tables: z.array(z.enum(silverTables)),
      state: loadState,
      taken_at: utcTime,
      warm: z.string().nullable(),
      ended_at: utcTime.nullable(),
      error,
    }),
  ),
});

export const warmSchema = z.strictObject({
  workflow_id: z.string(),
  run_id: z.string(),
  trigger: z.enum(warmTriggers).nullable(),
  parts,
  requested_by: z.string().nullable(),
  started_at: utcTime,
  ended_at: utcTime.nullable(),
  state: z.enum(['running', 'done', 'failed']),
  report: z
    .looseObject({ dry_run: z.boolean(), keys: count, parts: z.array(z.looseObject({ keys: count })) })
    .nullable(),
  error,
});
