import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createRoutes } from '../../api/app.ts';
import { fakeDependencies } from '../unit/api/fake-dependencies.ts';
import { apiEnvironment, clientOf, type RunningApi } from './api.ts';

const serverFile = fileURLToPath(new URL('../../api/server.ts', import.meta.url));

/** The API as a separate process. */
export interface ApiProcess {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** @throws Error when the process ends without printing it */
  readonly waitForOutput: (pattern: RegExp) => Promise<RegExpExecArray>;
}

/** Characters of the output that are kept at least. */
const KEPT_OUTPUT = 16 * 1024 ** 2;

/** Starts the entry file of the API with this environment. */
export function startApiProcess(environment: Readonly<Record<string, string>>): ApiProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', serverFile], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (text: Buffer): void => {
    output += text.toString();
    // millions of requests log more than a string can hold
    if (output.length > 2 * KEPT_OUTPUT) output = output.slice(-KEPT_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
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

/** Like `startApi`, but in a separate process, which is killed at the end. @param more environment of the process */
export async function startSeparateApi(more: Readonly<Record<string, string>> = {}): Promise<RunningApi> {
  const { child, waitForOutput } = startApiProcess({
    ...apiEnvironment(more),
    ...{ API_PORT: '0', LOG_LEVEL: 'info' },
  });
  const [, port] = await waitForOutput(/"port":(\d+)/);
  return {
    ...clientOf(`http://127.0.0.1:${port}`, createRoutes(fakeDependencies())),
    async close() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
