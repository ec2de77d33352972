import { ApplicationFailure } from '@temporalio/workflow';
import { failureTypes } from '../contract/failure-types.ts';
import type { ParseResult } from '../contract/parse-input.ts';
import { formatInvalidValue } from '../domain/values/invalid-value.ts';

/** The value of checked input. @throws InvalidInput naming each wrong field, what was given and what is accepted */
export function validInput<T>(parsed: ParseResult<T>): T {
  if ('value' in parsed) return parsed.value;
  throw ApplicationFailure.nonRetryable(
    parsed.invalid.map(formatInvalidValue).join('; '),
    failureTypes.invalidInput,
  );
}
