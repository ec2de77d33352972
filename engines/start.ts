import { parseArgs } from 'node:util';
import { StackError } from './errors.ts';
import { inSeconds } from './install/progress.ts';
import { stackFolder, stackPaths } from './paths.ts';
import { portsFromEnvironment } from './ports.ts';
import { killRecorded } from './supervision/process-record.ts';
import { onStopSignals, untilAborted } from './supervision/signals.ts';
import { startSystem, type SystemAddresses } from './system.ts';

const USAGE = `npm start [-- options]
  --no-producer   make no events
  --rate N        events a second that the producer makes (default 2)`;

const paths = stackPaths(stackFolder);
const report = (line: string) => console.log(line);

/** `npm start`: brings the whole system up, says where to look, and stops it all on Ctrl-C. */
async function main(): Promise<void> {
  const started = performance.now();
  const producerRate = readProducerRate();
  const ports = portsFromEnvironment();
  const stopping = new AbortController();
  onStopSignals(
    () => {
      report('\nStopping … (Ctrl-C again to kill everything at once)');
      stopping.abort();
    },
    () => {
      void killRecorded(paths.run).finally(() => process.exit(1));
    },
  );
  // Whoever read the output may be gone; the system is not to fall over that.
  process.stdout.on('error', () => undefined);

  const { signal } = stopping;
  try {
    const system = await startSystem({ ports, environment: process.env, report, signal, producerRate });
    report(`\nready after ${inSeconds(performance.now() - started)}\n${whereToLook(system.addresses)}`);
    await untilAborted(signal);
    await system.stop();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  report('Stopped; the data stays in .stack/data (npm run reset removes it).');
}

/** @throws StackError for an option that is not one, with the usage */
function readProducerRate(): number | undefined {
  try {
    const { values } = parseArgs({
      options: { 'no-producer': { type: 'boolean' }, rate: { type: 'string', default: '2' } },
    });
    const rate = Number(values.rate);
    if (!(rate > 0)) throw new Error(`--rate ${values.rate} is not a number above 0`);
    return values['no-producer'] ? undefined : rate;
  } catch (error) {
    throw new StackError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`, {
      cause: error,
    });
  }
}

function whereToLook({ API_URL, TEMPORAL_UI_URL }: SystemAddresses): string {
  return `
  API           ${API_URL}
                curl -s '${API_URL}/api/v1/kols/top?platform=all&by=followers&limit=5'
                curl -s ${API_URL}/readyz
  Temporal UI   ${TEMPORAL_UI_URL}
  Logs          ${paths.logs}
  Addresses     ${paths.env} (set -a; . ${paths.env}; set +a)

Ctrl-C stops everything.
`;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(error instanceof StackError ? error.message : error);
  process.exit(1);
}
