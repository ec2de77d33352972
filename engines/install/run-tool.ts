import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa, ExecaError } from 'execa';
import { InstallError, StartCancelledError } from '../errors.ts';

const QUOTED_OUTPUT_LINES = 20;

interface ToolOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** Called with each line of output. */
  onLine?: (line: string) => void;
}

/** @returns the path of the first executable file with this name on PATH */
export async function findOnPath(name: string, path = process.env.PATH ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (folder && (await isExecutable(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Runs a tool until it exits.
 * @throws InstallError when it fails; the message quotes the last lines of its output
 * @throws StartCancelledError when the signal stopped it
 */
export async function runTool(
  command: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<void> {
  const lastLines: string[] = [];
  try {
    const running = execa(command, args, {
      all: true,
      buffer: false,
      stdin: 'ignore',
      ...(options.cwd && { cwd: options.cwd }),
      ...(options.env && { env: options.env }),
      ...(options.signal && { cancelSignal: options.signal }),
    });
    for await (const line of running.iterable({ from: 'all' })) {
      lastLines.push(line);
      if (lastLines.length > QUOTED_OUTPUT_LINES) lastLines.shift();
      options.onLine?.(line);
    }
    await running;
  } catch (error) {
    if (options.signal?.aborted) throw new StartCancelledError(`${command} was stopped`, { cause: error });
    const reason = error instanceof ExecaError ? error.shortMessage : String(error);
    throw new InstallError(`${reason}\n${lastLines.map((line) => `  | ${line}`).join('\n')}`, {
      cause: error,
    });
  }
}
