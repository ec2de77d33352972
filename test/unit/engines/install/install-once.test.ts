import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installOnce } from '../../../../engines/install/install-once.ts';

describe('installing an engine once', () => {
  let root: string;
  const lines: string[] = [];
  const context = { report: (line: string) => void lines.push(line) };

  beforeEach(async () => {
    lines.length = 0;
    root = await mkdtemp(join(tmpdir(), 'install-once-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const fill = async (folder: string) => writeFile(join(folder, 'engine.jar'), 'jar');

  it('installs only the first time', async () => {
    let times = 0;
    const countedFill = async (folder: string) => {
      times += 1;
      await fill(folder);
    };
    await installOnce('engine-1', context, countedFill, root);
    const folder = await installOnce('engine-1', context, countedFill, root);
    expect(times).toBe(1);
    expect(await readdir(folder)).toEqual(['.complete', 'engine.jar']);
  });

  it('leaves no files when the installation fails', async () => {
    const failingFill = async (folder: string) => {
      await fill(folder);
      throw new Error('no network');
    };
    await expect(installOnce('engine-1', context, failingFill, root)).rejects.toThrow('no network');
    expect(await readdir(root)).toEqual([]);
  });

  it('replaces the files of a killed installation and takes over its lock', async () => {
    await mkdir(join(root, 'engine-1'));
    await mkdir(join(root, '.engine-1.partial-dead'));
    // No process has this pid: it is above the maximum of the system.
    await writeFile(join(root, '.engine-1.lock'), JSON.stringify({ pid: 99999999, identity: 'gone' }));
    await installOnce('engine-1', context, fill, root);
    expect(await readdir(root)).toEqual(['engine-1']);
    expect(existsSync(join(root, 'engine-1', 'engine.jar'))).toBe(true);
  });

  it('installs once when two callers need the same engine, and reports that the second one waits', async () => {
    let times = 0;
    const slowFill = async (folder: string) => {
      times += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      await fill(folder);
    };
    await Promise.all([
      installOnce('engine-1', context, slowFill, root),
      installOnce('engine-1', context, slowFill, root),
    ]);
    expect(times).toBe(1);
    expect(lines).toHaveLength(1);
    expect(await readdir(root)).toEqual(['engine-1']);
  });
});
