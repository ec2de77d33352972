import { ServiceError } from '@temporalio/client';

type ErrorClass = new (...args: never[]) => Error;

/**
 * Runs a command: an error that a user can act on is one message, without a stack; any other is a bug and shown whole.
 * Sets exit code 1 on both.
 */
export async function runCommand(
  work: () => Promise<void>,
  actionable: readonly ErrorClass[],
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const plain = error instanceof ServiceError || actionable.some((known) => error instanceof known);
    console.error(plain && error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
