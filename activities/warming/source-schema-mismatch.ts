import { ApplicationFailure } from '@temporalio/activity';
import { SourceSchemaError } from '../../clients/lakehouse/silver-catalog.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import { formatSchemaProblem } from '../../domain/schema/check-table.ts';

/** Attempts for a missing table, about 15 s: long enough for a load that drops a table and creates it again. */
const MISSING_TABLE_ATTEMPTS = 5;

/**
 * Turns a SourceSchemaError into a SourceSchemaMismatch failure, which is not retried because the lakehouse must change first. A missing
 * table is retried a few times. Returns any other error unchanged.
 * @param attempt of the activity, from 1
 */
export function translateSchemaError(error: unknown, attempt: number): unknown {
  if (!(error instanceof SourceSchemaError)) return error;
  const { problems } = error;
  if (attempt < MISSING_TABLE_ATTEMPTS && problems.some(({ column }) => column === null)) return error;
  return ApplicationFailure.create({
    type: failureTypes.sourceSchemaMismatch,
    nonRetryable: true,
    message: `The source schema is not as expected. The cache keeps what it has. Fix: ${problems.map(formatSchemaProblem).join('; ')}.`,
    details: [problems],
  });
}
