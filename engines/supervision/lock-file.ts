import { randomUUID } from 'node:crypto';
import { link, rm } from 'node:fs/promises';
import { recordProcess, runningProcess, type ProcessRecord } from './process-record.ts';

/**
 * Takes a lock that one process at a time may hold. A lock whose holder no longer runs is taken over.
 * When two processes take over the same stale lock at the same moment, both may get it.
 * @returns the process that holds the lock, which may be this one; undefined when this call acquired it
 */
export async function acquireLock(file: string): Promise<ProcessRecord | undefined> {
  const staging = `${file}.${randomUUID()}`;
  await recordProcess(staging, process.pid);
  try {
    for (;;) {
      try {
        // A hard link appears with its content in one step, so no reader sees a lock without a holder.
        await link(staging, file);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await runningProcess(file);
      if (holder) return holder;
      await releaseLock(file);
    }
  } finally {
    await rm(staging, { force: true });
  }
}

export async function releaseLock(file: string): Promise<void> {
  await rm(file, { force: true });
}
