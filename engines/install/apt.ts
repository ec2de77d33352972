import { execa } from 'execa';
import type { InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { findOnPath, runTool } from './run-tool.ts';

/** How to call apt-get: the command and the arguments that precede its own. */
export type AptGet = readonly [command: string, ...prefix: string[]];

/** @returns apt-get, with sudo where needed; undefined when it is missing or would ask for a password */
export async function findAptGet(): Promise<AptGet | undefined> {
  if (!(await findOnPath('apt-get'))) return undefined;
  if (process.getuid?.() === 0) return ['apt-get'];
  const sudo = await execa('sudo', ['-n', 'true'], { reject: false });
  return sudo.failed ? undefined : ['sudo', '-n', 'apt-get'];
}

/**
 * Installs a Debian package without its recommended packages.
 * @throws InstallError when apt-get fails
 */
export async function aptInstall(
  [command, ...prefix]: AptGet,
  packageName: string,
  { report, signal }: InstallContext,
): Promise<void> {
  const options = { signal, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  await withProgress(report, `Installing ${packageName} with apt`, async (onDetail) => {
    onDetail('apt-get update');
    await runTool(command, [...prefix, 'update', '-q'], options);
    onDetail('apt-get install');
    await runTool(
      command,
      [...prefix, 'install', '-q', '-y', '--no-install-recommends', packageName],
      options,
    );
  });
}
