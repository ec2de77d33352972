import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { ML_CONCURRENCY, type Scoring } from './start-scoring.ts';

/** What the bare client does: process a number of events from its position, or only call the model. */
export type BareRun = { readonly events: number } | { readonly calls: number };

export interface BareClient {
  readonly pid: number | undefined;
  /** @returns milliseconds that it took */
  run(run: BareRun): Promise<number>;
  stop(): void;
}

/** Starts the baseline as a process. Its position is the end of the topic. */
export async function startBareClient({ addresses, mlUrl, atEnd }: Scoring): Promise<BareClient> {
  const options = {
    kafka: addresses.KAFKA_BROKERS,
    redis: addresses.REDIS_URL,
    ml: mlUrl,
    topic: PROFILES_TOPIC,
    concurrency: ML_CONCURRENCY,
  };
  const client = fork(
    fileURLToPath(new URL('bare-client.ts', import.meta.url)),
    Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    { execArgv: ['--import', 'tsx'] },
  );
  const stop = () => void client.kill();
  atEnd(() => Promise.resolve(stop()));
  const answer = async (): Promise<unknown> => {
    const exited = once(client, 'exit').then(([code]) => {
      throw new Error(`the bare client exited with code ${code}`);
    });
    const [message] = (await Promise.race([once(client, 'message'), exited])) as unknown[];
    return message;
  };
  await answer();
  return {
    pid: client.pid,
    async run(run) {
      client.send(run);
      return Number(await answer());
    },
    stop,
  };
}
