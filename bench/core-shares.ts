import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Linux counts processor time in ticks, 100 a second on every usual machine. */
const TICKS_PER_SECOND = 100;

/** @returns the parts of a core that processes use during the next seconds, in the given order */
export async function coreShares(pids: readonly number[], seconds: number): Promise<number[]> {
  const before = pids.map(processorSeconds);
  await sleep(seconds * 1000);
  return pids.map((pid, index) => (processorSeconds(pid) - (before[index] ?? Number.NaN)) / seconds);
}

/** @returns the processor time that a process has used, in seconds */
export function processorSeconds(pid: number): number {
  // The name of the program, in brackets, may contain spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return (userTicks + systemTicks) / TICKS_PER_SECOND;
}

/** Processes to watch, by name. */
export type Processes = Readonly<Record<string, number | undefined>>;

/**
 * Measures the processor time of processes during some work.
 * @returns its result, the seconds of each process by name, and text such as "worker 61, Redis 12": microseconds for each of the items
 * that were worked
 */
export async function withProcessorTime<T>(
  processes: Processes,
  items: number,
  work: () => Promise<T>,
): Promise<{
  readonly result: T;
  readonly seconds: Readonly<Record<string, number>>;
  readonly perItem: string;
}> {
  const running = Object.entries(processes).flatMap(([name, pid]) =>
    pid === undefined ? [] : [{ name, pid }],
  );
  const before = running.map(({ pid }) => processorSeconds(pid));
  const result = await work();
  const spent = running.map(
    ({ name, pid }, index) => [name, processorSeconds(pid) - (before[index] ?? Number.NaN)] as const,
  );
  const perItem = spent.map(([name, seconds]) => `${name} ${Math.round((seconds / items) * 1_000_000)}`);
  return { result, seconds: Object.fromEntries(spent), perItem: perItem.join(', ') };
}
