import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { enginesFolder } from '../paths.ts';
import type { Report } from './progress.ts';

/** What every installer is handed. */
export interface InstallContext {
  readonly report: Report;
  readonly signal?: AbortSignal | undefined;
}

const MARKER = '.complete';

/** @returns whether the engine was installed to the end */
export async function isInstalled(name: string, root = enginesFolder): Promise<boolean> {
  return exists(join(root, name, MARKER));
}

/**
 * Installs into `.stack/engines/<name>` once. The work happens in a temporary folder that is renamed when it is
 * finished, so an installation that was killed never looks complete. When two processes want the same engine, the
 * second waits for the first; should both work after all (a lock taken over at the same moment), the rename settles it.
 * @param fill puts the engine's files into the folder it is given
 * @returns the engine's folder
 */
export async function installOnce(
  name: string,
  context: InstallContext,
  fill: (folder: string) => Promise<void>,
  root = enginesFolder,
): Promise<string> {
  const target = join(root, name);
  await mkdir(root, { recursive: true });
  let waited = false;
  while (!(await isInstalled(name, root))) {
    const lock = join(root, `.${name}.lock`);
    if (!(await takeLock(lock))) {
      if (!waited) context.report(`${name}: waiting for the installation that another process is doing …`);
      waited = true;
      context.signal?.throwIfAborted();
      await sleep(500);
      continue;
    }
    try {
      if (!(await isInstalled(name, root))) await installInto(target, name, root, fill);
    } finally {
      await rm(lock, { recursive: true, force: true });
    }
  }
  return target;
}

async function installInto(
  target: string,
  name: string,
  root: string,
  fill: (folder: string) => Promise<void>,
) {
  const prefix = `.${name}.partial-`;
  for (const entry of await readdir(root)) {
    if (entry.startsWith(prefix)) await rm(join(root, entry), { recursive: true, force: true });
  }
  const partial = join(root, `${prefix}${randomUUID().slice(0, 8)}`);
  await mkdir(partial);
  try {
    await fill(partial);
    await writeFile(join(partial, MARKER), `${new Date().toISOString()}\n`);
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** @returns whether this process holds the lock now; a lock whose holder is gone is cleared for the next try */
async function takeLock(lock: string): Promise<boolean> {
  const pidFile = join(lock, 'pid');
  try {
    await mkdir(lock);
    await writeFile(pidFile, String(process.pid));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  const since = await stat(lock).catch(() => undefined);
  // Without a pid yet the holder is just starting, unless that was long ago.
  const abandoned = holder ? !isAlive(holder) : since !== undefined && Date.now() - since.mtimeMs > 10_000;
  if (abandoned) await rm(lock, { recursive: true, force: true });
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
