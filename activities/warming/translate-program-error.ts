import { ApplicationFailure, log } from '@temporalio/activity';
import { failureTypes } from '../../contract/failure-types.ts';

/**
 * Turns an error of the program itself into a ProgramError failure, which is not retried, and logs its stack. Returns any other error
 * unchanged. A TypeError with a cause or a code comes from a library: fetch throws one when a server does not answer.
 */
export function translateProgramError(error: unknown): unknown {
  if (!(error instanceof ReferenceError || error instanceof TypeError)) return error;
  if (error.cause !== undefined || 'code' in error) return error;
  log.error('the program has an error', { error });
  return ApplicationFailure.create({
    type: failureTypes.programError,
    nonRetryable: true,
    message: `The program has an error, which a retry would repeat. Report it with its stack, which is in the log of the worker (${error.name}: ${error.message})`,
    cause: error,
  });
}
