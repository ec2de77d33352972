import { cpus } from 'node:os';
import { benchStackFolder } from '../engines/paths.ts';
import { freePorts } from '../engines/ports.ts';
import { startStack, type RunningStack } from '../engines/start-stack.ts';
import { printFigures, type Figure } from './figures.ts';

/** The input of a benchmark. */
export interface Bench {
  readonly stack: RunningStack;
  /** Records a figure and prints it immediately. */
  readonly figure: (measured: Figure) => void;
  /** Registers a cleanup. The last one registered runs first. */
  readonly atEnd: (stop: () => Promise<unknown>) => void;
}

/** Runs a benchmark on its own engines, prints its figures and exits. Stops everything that was started, also on errors and signals. */
export async function runBench(run: (bench: Bench) => Promise<void>): Promise<never> {
  const stack = await startStack({
    folder: benchStackFolder,
    ports: await freePorts(),
    empty: true,
    report: console.log,
  });
  const cleanups: (() => Promise<unknown>)[] = [() => stack.stop()];
  const cleanUp = async () => {
    for (const stop of cleanups.splice(0).reverse()) await stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void cleanUp().finally(() => process.exit(1)));
  const figures: Figure[] = [];
  try {
    await run({
      stack,
      atEnd: (stop) => cleanups.push(stop),
      figure(measured) {
        figures.push(measured);
        console.log(`${measured.what}: ${measured.value}; ${measured.against}`);
      },
    });
  } finally {
    await cleanUp();
  }
  printFigures(
    figures,
    `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}, all engines on the same machine`,
  );
  process.exit();
}
