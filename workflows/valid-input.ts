import { ApplicationFailure, log } from '@temporalio/workflow';
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

/**
 * The value of a checked signal. A signal has no answer, and a failure would stop the workflow for all other senders.
 * @returns undefined for an invalid signal, which is logged
 */
export function validSignal<T>({ name }: { readonly name: string }, parsed: ParseResult<T>): T | undefined {
  if ('value' in parsed) return parsed.value;
  log.warn('ignored an invalid signal', {
    signal: name,
    reason: parsed.invalid.map(formatInvalidValue).join('; '),
  });
  return undefined;
}
