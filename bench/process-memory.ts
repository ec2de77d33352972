import { readFileSync } from 'node:fs';

/** @returns the resident memory of a process in MB, from Linux's /proc */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}
