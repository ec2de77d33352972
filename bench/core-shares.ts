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
