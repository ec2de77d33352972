import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../report.ts';
import { isRunning, runningProcess, type ProcessRecord } from './process-record.ts';
import { signalGroup, signalProcess } from './send-signal.ts';

/** Stops the processes that an earlier start left running because it was killed. */
export async function stopLeftovers(runFolder: string, report: Report, graceSeconds = 20): Promise<void> {
  await Promise.all(
    (await recordFiles(runFolder)).map(async (file) => {
      const record = await runningProcess(file);
      if (record) {
        report(
          `Stopping ${basename(file, '.process')} (process ${record.pid}): an earlier start was killed and left it running`,
        );
        await terminate(record, graceSeconds);
      }
      await rm(file, { force: true });
    }),
  );
}

/** Sends SIGKILL to every recorded process of the stack and to its children. */
export async function killRecorded(runFolder: string): Promise<void> {
  for (const file of await recordFiles(runFolder)) {
    const record = await runningProcess(file);
    if (record) signalGroup(record.pid, 'SIGKILL');
  }
}

async function recordFiles(runFolder: string): Promise<string[]> {
  const names = await readdir(runFolder).catch(() => []);
  return names.filter((name) => name.endsWith('.process')).map((name) => join(runFolder, name));
}

async function terminate(record: ProcessRecord, graceSeconds: number): Promise<void> {
  signalProcess(record.pid, 'SIGTERM');
  if (await hasEnded(record, graceSeconds * 1000)) return;
  signalGroup(record.pid, 'SIGKILL');
  await hasEnded(record, 5000);
}

/** Waits for a process to end. @returns false when it still runs after the timeout */
async function hasEnded(record: ProcessRecord, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isRunning(record)) {
    if (Date.now() >= deadline) return false;
    await sleep(100);
  }
  return true;
}
