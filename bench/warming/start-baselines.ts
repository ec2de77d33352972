import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Baseline } from './baselines.ts';
import type { Warming } from './start-warming.ts';

/**
 * Starts the process of the baselines. @returns a function that runs a baseline and returns its milliseconds, and one that stops the
 * process
 */
export async function startBaselines({ bench, source }: Warming) {
  const options = {
    trino: source.trinoUrl,
    catalog: source.catalog,
    schema: source.schema,
    redis: bench.stack.addresses.REDIS_URL,
  };
  const program = fork(
    fileURLToPath(new URL('baselines.ts', import.meta.url)),
    Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    { execArgv: ['--import', 'tsx'] },
  );
  const stop = () => void program.kill();
  bench.atEnd(() => Promise.resolve(stop()));
  const answer = async (): Promise<unknown> => {
    const exited = once(program, 'exit').then(([code]) => {
      throw new Error(`the baselines exited with code ${code}`);
    });
    const [message] = (await Promise.race([once(program, 'message'), exited])) as unknown[];
    return message;
  };
  await answer();
  return {
    async run(baseline: Baseline): Promise<number> {
      program.send(baseline);
      return Number(await answer());
    },
    stop,
  };
}
