import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const serverFile = fileURLToPath(new URL('../../api/server.ts', import.meta.url));

/** The API as a process of its own. */
export interface ApiProcess {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** @throws Error when the process ends without printing it */
  readonly waitForOutput: (pattern: RegExp) => Promise<RegExpExecArray>;
}

/** Starts the entry file of the API with this environment. */
export function startApiProcess(environment: Readonly<Record<string, string>>): ApiProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', serverFile], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  return {
    child,
    output: () => output,
    async waitForOutput(pattern) {
      for (;;) {
        const found = pattern.exec(output);
        if (found) return found;
        if (child.exitCode !== null) throw new Error(`The server ended: ${output}`);
        await once(child.stdout, 'data');
      }
    },
  };
}
