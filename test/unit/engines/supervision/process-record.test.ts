import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock, releaseLock } from '../../../../engines/supervision/lock-file.ts';
import { recordProcess, runningProcess } from '../../../../engines/supervision/process-record.ts';
import { stopLeftovers } from '../../../../engines/supervision/stop-leftovers.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stack-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a process record', () => {
  it('does not match a later process with the same pid', async () => {
    const file = join(folder, 'run', 'x.process');
    await recordProcess(file, process.pid);
    expect((await runningProcess(file))?.pid).toBe(process.pid);
    await writeFile(file, JSON.stringify({ pid: process.pid, identity: 'an earlier process' }));
    expect(await runningProcess(file)).toBeUndefined();
  });
});

describe('a lock file', () => {
  it('is taken over when its holder is gone, and is held until it is released', async () => {
    const file = join(folder, 'lock');
    await writeFile(file, JSON.stringify({ pid: 99999999, identity: 'gone' }));
    expect(await acquireLock(file)).toBeUndefined();
    expect((await acquireLock(file))?.pid).toBe(process.pid);
    await releaseLock(file);
    expect(await acquireLock(file)).toBeUndefined();
  });

  it('is given to one of several concurrent callers', async () => {
    const file = join(folder, 'lock');
    const holders = await Promise.all(Array.from({ length: 10 }, () => acquireLock(file)));
    expect(holders.filter((holder) => holder === undefined)).toHaveLength(1);
  });
});

describe('processes left over from a killed start', () => {
  it('are stopped and reported, but not another process with the same pid', async () => {
    const lines: string[] = [];
    const child = spawn('sleep', ['60'], { detached: true });
    const exited = once(child, 'exit');
    await recordProcess(join(folder, 'sleep.process'), child.pid ?? 0);
    await writeFile(
      join(folder, 'other.process'),
      JSON.stringify({ pid: process.pid, identity: 'an earlier process' }),
    );
    await stopLeftovers(folder, (line) => lines.push(line));
    await exited;
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`sleep (process ${child.pid})`);
  });
});
