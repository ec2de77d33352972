import { parseArgs } from 'node:util';
import { messageOf } from '../domain/values/message-of.ts';
import { StackError } from './errors.ts';
import { formatAddresses } from './format-addresses.ts';
import { findTemporal } from './install/temporal.ts';
import { stackFolder, stackPaths } from './paths.ts';
import { portsFromEnvironment } from './ports.ts';
import { formatSeconds } from './report.ts';
import { startSystem } from './start-system.ts';
import type { AskedData } from './synthetic-data.ts';
import { killRecorded } from './supervision/stop-leftovers.ts';
import { onStopSignals, untilAborted } from './supervision/stop-signals.ts';

const USAGE = `npm start [-- options]
  --no-producer   start no event producer
  --rate N        events per second that the producer sends (default 2, or none if KAFKA_BROKERS is set)
  --fill          fill the lakehouse with synthetic tables also if TRINO_URL is set: replaces Silver tables of other sizes`;

const paths = stackPaths(stackFolder);
const report = (line: string) => console.log(line);

/** `npm start`: starts the whole system, prints its addresses, and stops everything on Ctrl-C. */
async function main(): Promise<void> {
  const started = performance.now();
  const asked = readOptions();
  const ports = portsFromEnvironment();
  const stopping = new AbortController();
  onStopSignals(
    () => {
      report('\nStopping … (press Ctrl-C again to kill all processes immediately)');
      stopping.abort();
    },
    () => {
      void killRecorded(paths.run).finally(() => process.exit(1));
    },
  );
  // The reader of stdout may be gone (a closed pipe). That must not stop the system.
  process.stdout.on('error', () => undefined);

  const { signal } = stopping;
  try {
    const system = await startSystem({
      folder: stackFolder,
      ports,
      environment: process.env,
      report,
      signal,
      asked,
    });
    report(
      `\nThe system is ready after ${formatSeconds(performance.now() - started)}.\n${formatAddresses(system.addresses, paths, await findTemporal())}`,
    );
    await untilAborted(signal);
    await system.stop();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  report('Stopped. The data stays in .stack/data; `npm run reset` removes it.');
}

/** @throws StackError with the usage, when an option is unknown or invalid */
function readOptions(): AskedData {
  try {
    const { values } = parseArgs({
      options: { 'no-producer': { type: 'boolean' }, rate: { type: 'string' }, fill: { type: 'boolean' } },
    });
    const { rate, fill } = values;
    if (rate !== undefined && !(Number(rate) > 0)) throw new Error(`--rate ${rate} is not a number above 0`);
    return { fill, producerRate: values['no-producer'] ? 0 : rate === undefined ? undefined : Number(rate) };
  } catch (error) {
    throw new StackError(`${messageOf(error)}\n${USAGE}`, {
      cause: error,
    });
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(error instanceof StackError ? error.message : error);
  process.exit(1);
}
