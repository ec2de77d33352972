import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A process as written to disk. The identity detects that the system gave the same pid to another process later. */
export interface ProcessRecord {
  readonly pid: number;
  readonly identity: string;
}

/** @returns the boot and start time of a process, which no two processes with the same pid share; undefined when it is not running */
function processIdentity(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The command name (2nd field, in brackets) may contain anything. The fields after it are the state (3rd) … the start time (22nd).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z') return undefined;
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Writes the record of a running process. */
export async function recordProcess(file: string, pid: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const record: ProcessRecord = { pid, identity: processIdentity(pid) ?? '' };
  await writeFile(file, JSON.stringify(record));
}

/** @returns the recorded process if it still runs; undefined when it ended, or when its pid belongs to another process now */
export async function runningProcess(file: string): Promise<ProcessRecord | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as ProcessRecord;
    return isRunning(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

export const isRunning = ({ pid, identity }: ProcessRecord): boolean => processIdentity(pid) === identity;
