import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stackPaths } from '../../../../engines/paths.ts';
import { ManagedProcess } from '../../../../engines/supervision/managed-process.ts';
import { restartDelayMs, RestartingProcess } from '../../../../engines/supervision/restarting-process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stack-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const shell = (script: string, startSeconds = 5) =>
  new ManagedProcess(
    {
      name: 'shell',
      title: 'Shell',
      command: '/bin/sh',
      args: ['-c', script],
      startSeconds,
      stopSeconds: 0.3,
      isReady: async (newLog) => (await newLog()).includes('up'),
    },
    stackPaths(folder),
  );

describe('a managed process', () => {
  it('reports the exit code and the last log lines when it exits during its start', async () => {
    await expect(shell('echo cannot open the database; exit 7').start()).rejects.toThrow(
      /Shell exited with code 7.*\n {2}\| cannot open the database/,
    );
  });

  it('is stopped when it is not ready in time', async () => {
    const slow = shell('echo thinking; exec sleep 60', 0.3);
    await expect(slow.start()).rejects.toThrow(/0\.3 s.*\n {2}\| thinking/);
    expect(slow.pid).toBeUndefined();
  });

  it('is killed when it ignores SIGTERM for longer than its grace period', async () => {
    const stubborn = shell("trap '' TERM; echo up; while :; do sleep 0.1; done");
    await stubborn.start();
    await stubborn.stop();
    expect(stubborn.pid).toBeUndefined();
  });

  it('reports a crash but not a stop, and can start again after both', async () => {
    const exits: string[] = [];
    const process = shell('echo up; exec sleep 60');
    process.onUnexpectedExit = (exit) => exits.push(exit);
    await process.start();
    await process.stop();
    expect(exits).toEqual([]);
    await process.start();
    await expect(process.start()).rejects.toMatchObject({ code: 'STACK_PROCESS_START' });
    await process.kill();
    expect(exits).toEqual([expect.stringContaining('SIGKILL')]);
  });
});

describe('a restarting process', () => {
  it('doubles its restart delay with each failure in a row, up to 30 s', () => {
    expect([1, 2, 3, 6, 60].map(restartDelayMs)).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  });

  it('starts again after a crash, and stays down after a stop', async () => {
    const process = shell('echo up; exec sleep 60');
    const restarting = new RestartingProcess(process, () => {});
    await restarting.start(new AbortController().signal);
    const firstPid = restarting.pid;
    await process.kill();
    await vi.waitFor(() => expect(restarting.pid).toBeDefined(), { timeout: 5000 });
    expect(restarting.pid).not.toBe(firstPid);
    await restarting.stop();
    expect(restarting.pid).toBeUndefined();
  });
});
