import { cpus } from 'node:os';
import { benchStackFolder } from '../engines/paths.ts';
import { freePorts } from '../engines/ports.ts';
import { startStack, type RunningStack } from '../engines/stack.ts';
import { printFigures, type Figure } from './figures.ts';

/** What a benchmark gets. */
export interface Bench {
  readonly stack: RunningStack;
  /** Notes a figure, and prints it at once. */
  readonly figure: (measured: Figure) => void;
  /** What was begun later ends earlier. */
  readonly atEnd: (stop: () => Promise<unknown>) => void;
}

/** Runs a benchmark on engines of its own, prints its figures, and leaves nothing running, however it ends. */
export async function runBench(bench: (given: Bench) => Promise<void>): Promise<never> {
  const stack = await startStack({
    folder: benchStackFolder,
    ports: await freePorts(),
    empty: true,
    report: console.log,
  });
  const stops: (() => Promise<unknown>)[] = [() => stack.stop()];
  const end = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void end().finally(() => process.exit(1)));
  const figures: Figure[] = [];
  try {
    await bench({
      stack,
      atEnd: (stop) => stops.push(stop),
      figure(measured) {
        figures.push(measured);
        console.log(`${measured.what}: ${measured.value}; ${measured.against}`);
      },
    });
  } finally {
    await end();
  }
  printFigures(
    figures,
    `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}, all engines on the same machine`,
  );
  process.exit();
}
