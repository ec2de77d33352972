import { Command } from 'commander';

type ErrorClass = new (...args: never[]) => Error;

/** A command line whose wrong usage ends the process with exit code 2, and --help with 0. */
export const createCommand = (name: string): Command =>
  new Command(name).exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

/**
 * Runs the work of a command. On an error, sets exit code 1 and prints it to stderr.
 * @param actionable errors that the user can correct: only their message is printed. Any other error is a bug and is
 *   printed with its stack.
 */
export async function runCommand(
  work: () => Promise<void>,
  actionable: readonly ErrorClass[],
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isActionable = actionable.some((known) => error instanceof known);
    console.error(isActionable && error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
