import { createInterface } from 'node:readline/promises';

/** Asks a yes-or-no question on the terminal. Only y or yes is a yes. The question goes to stderr: stdout is for results. */
export async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
