import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../install/progress.ts';

/** A process that was written down, so that a later start can tell it from a stranger that got its number. */
export interface ProcessRecord {
  readonly pid: number;
  /** When it was started, as the system tells it. */
  readonly identity: string;
}

/** @returns what tells this process from an earlier or later one of the same number; undefined when it is not running */
export function processIdentity(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The command name, in brackets, may hold anything; the fields after it are state (3rd) … start time (22nd).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z') return undefined;
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Writes down a running process. */
export async function recordProcess(file: string, pid: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, describe(pid));
}

/**
 * Writes this process down as the only one of its kind.
 * @returns the process that holds the place already, undefined when this one has it now
 */
export async function claimPlace(file: string): Promise<ProcessRecord | undefined> {
  await mkdir(dirname(file), { recursive: true });
  const mine = `${file}.${process.pid}`;
  await writeFile(mine, describe(process.pid));
  try {
    for (;;) {
      try {
        // A link is made with its content or not at all.
        await link(mine, file);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await runningProcess(file);
      if (holder) return holder;
      await rm(file, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** @returns the process of that file if it is still the very same one */
export async function runningProcess(file: string): Promise<ProcessRecord | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as ProcessRecord;
    return processIdentity(record.pid) === record.identity ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Stops what an earlier start left running because it was killed itself. */
export async function stopLeftovers(runFolder: string, report: Report, graceSeconds = 20): Promise<void> {
  const files = (await readdir(runFolder).catch(() => [])).filter((name) => name.endsWith('.process'));
  await Promise.all(
    files.map(async (name) => {
      const file = join(runFolder, name);
      const record = await runningProcess(file);
      if (record) {
        report(
          `Stopping ${basename(name, '.process')} (process ${record.pid}), left over from a start that was killed`,
        );
        await terminate(record, graceSeconds);
      }
      await rm(file, { force: true });
    }),
  );
}

/** Kills every process of the stack at once. */
export async function killRecorded(runFolder: string): Promise<void> {
  const files = (await readdir(runFolder).catch(() => [])).filter((name) => name.endsWith('.process'));
  for (const name of files) {
    const record = await runningProcess(join(runFolder, name));
    if (record) signalGroup(record.pid, 'SIGKILL');
  }
}

async function terminate(record: ProcessRecord, graceSeconds: number): Promise<void> {
  const runs = () => processIdentity(record.pid) === record.identity;
  signalProcess(record.pid, 'SIGTERM');
  for (const deadline = Date.now() + graceSeconds * 1000; runs() && Date.now() < deadline;) await sleep(100);
  if (!runs()) return;
  signalGroup(record.pid, 'SIGKILL');
  for (const deadline = Date.now() + 5000; runs() && Date.now() < deadline;) await sleep(50);
}

/** Sends a signal to one process; one that is gone is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Sends a signal to the process group that this process leads. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  signalProcess(-pid, signal);
}

const describe = (pid: number) => JSON.stringify({ pid, identity: processIdentity(pid) ?? '' });
