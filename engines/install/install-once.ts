import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { enginesFolder } from '../paths.ts';
import type { Report } from '../report.ts';
import { acquireLock, releaseLock } from '../supervision/lock-file.ts';

export interface InstallContext {
  readonly report: Report;
  /** Cancels the installation. */
  readonly signal?: AbortSignal | undefined;
}

const MARKER = '.complete';

/** @returns whether the installation of this engine has completed */
export async function isInstalled(name: string, root = enginesFolder): Promise<boolean> {
  return stat(join(root, name, MARKER)).then(
    () => true,
    () => false,
  );
}

/**
 * Installs an engine into `.stack/engines/<name>` once. The work happens in a temporary folder that is renamed at the end, so an
 * installation that is killed never looks complete. When two processes install the same engine, the second one waits for the first.
 * If both take over a stale lock at the same moment, both install, and the rename decides which result stays.
 * @param fill writes the engine's files into the given folder
 * @returns the engine's folder
 */
export async function installOnce(
  name: string,
  context: InstallContext,
  fill: (folder: string) => Promise<void>,
  root = enginesFolder,
): Promise<string> {
  const target = join(root, name);
  const lock = join(root, `.${name}.lock`);
  let hasWaited = false;
  while (!(await isInstalled(name, root))) {
    if (await acquireLock(lock)) {
      if (!hasWaited) context.report(`${name}: waiting for another process to install it …`);
      hasWaited = true;
      context.signal?.throwIfAborted();
      await sleep(500);
      continue;
    }
    try {
      if (!(await isInstalled(name, root))) await installInto(target, name, root, fill);
    } finally {
      await releaseLock(lock);
    }
  }
  return target;
}

async function installInto(
  target: string,
  name: string,
  root: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
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
