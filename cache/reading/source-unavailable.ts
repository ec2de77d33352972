import { SourceSchemaError } from '../../clients/lakehouse/silver-catalog.ts';
import { isTrinoUnable } from '../../clients/lakehouse/trino-errors.ts';
import { MlApiUnavailableError } from '../../clients/ml-api/unavailable-error.ts';
import { NotCachedError } from './not-cached.ts';
import { ScoreRefusedError } from './score-refused.ts';
import { TimeLimitError } from '../../domain/values/abortable.ts';

/** The lakehouse cannot answer now; the same read may succeed after `retryAfterSeconds`. */
export class SourceUnavailableError extends Error {
  readonly code = 'SOURCE_UNAVAILABLE';
  readonly retryAfterSeconds = 5;
  constructor(
    readonly entity: string,
    options: ErrorOptions,
  ) {
    super(`${entity} is not cached and the lakehouse is not available now`, options);
    this.name = 'SourceUnavailableError';
  }
}

/** Whether a read has no value for an expected reason: the source cannot answer now, must not be queried, or refuses this id. */
export const isUnavailable = (error: unknown): boolean =>
  [SourceUnavailableError, NotCachedError, MlApiUnavailableError, ScoreRefusedError].some(
    (expected) => error instanceof expected,
  );

/** Turns a temporary failure of the source into SourceUnavailableError. Returns any other error, such as a wrong query, unchanged. */
export function translateSourceError(entity: string, error: unknown): unknown {
  const isTemporary =
    error instanceof SourceSchemaError || error instanceof TimeLimitError || isTrinoUnable(error);
  return isTemporary ? new SourceUnavailableError(entity, { cause: error }) : error;
}
