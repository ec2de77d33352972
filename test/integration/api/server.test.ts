import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { UNREACHABLE_ADDRESS } from '../../support/api.ts';
import { testEngines } from '../../support/test-engines.ts';

const serverFile = fileURLToPath(new URL('../../../api/server.ts', import.meta.url));
let server: ChildProcess | undefined;
afterEach(() => server?.kill('SIGKILL'));

/** Starts the entry file as a process with this environment. */
function start(environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--import', 'tsx', serverFile], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  server = child;
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const waitForOutput = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(output);
      if (found) return found;
      if (child.exitCode !== null) throw new Error(`The server ended: ${output}`);
      await once(child.stdout, 'data');
    }
  };
  return { child, waitForOutput, output: () => output };
}

describe('the server process', () => {
  test('finishes the requests in flight on SIGTERM', async () => {
    const { REDIS_URL, ...engines } = testEngines();
    const { child, waitForOutput } = start({
      ...engines,
      REDIS_URL: `${REDIS_URL}/1`,
      ML_API_URL: `http://${UNREACHABLE_ADDRESS}`,
      API_PORT: '0',
    });
    const [, port] = await waitForOutput(/"port":(\d+)/);
    // A new id, so the request needs a query to the lakehouse.
    const answer = fetch(`http://127.0.0.1:${port}/api/v1/kols/in-flight-${Date.now()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGTERM');
    expect((await answer).status).toBe(404);
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  });

  test('names the missing settings and exits with 1', async () => {
    const { child, output } = start({ API_PORT: 'eighty' });
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(output()).toContain('API_PORT is not valid');
    expect(output()).toContain('REDIS_URL is not set');
  });
});
