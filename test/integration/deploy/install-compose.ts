import { execa } from 'execa';
import { InstallError } from '../../../engines/errors.ts';
import { aptInstall, findAptGet } from '../../../engines/install/apt.ts';
import type { InstallContext } from '../../../engines/install/install-once.ts';
import { findOnPath } from '../../../engines/install/run-tool.ts';

/** How to call Compose: the command and the arguments that precede Compose's own. */
export type ComposeCommand = readonly [command: string, ...prefix: string[]];

/**
 * Installs Compose with apt if it is missing. Validating docker-compose.yml needs no Docker engine, so Debian's package is enough.
 * @returns how to call Compose
 * @throws InstallError when there is no way to install it, or apt fails
 */
export async function installCompose(context: InstallContext): Promise<ComposeCommand> {
  const found = await findCompose();
  if (found) return found;
  const aptGet = await findAptGet();
  if (!aptGet) {
    throw new InstallError(
      'Neither `docker compose` nor docker-compose is on PATH: install Docker Compose with your package manager.',
    );
  }
  await aptInstall(aptGet, 'docker-compose', context);
  const installed = await findCompose();
  if (!installed) throw new InstallError('apt installed docker-compose, but it is not on PATH.');
  return installed;
}

/** @returns Compose v2 (`docker compose`) if Docker has the plugin, otherwise docker-compose; undefined if both are missing */
async function findCompose(): Promise<ComposeCommand | undefined> {
  const docker = await findOnPath('docker');
  if (docker) {
    const version = await execa(docker, ['compose', 'version'], { reject: false });
    if (!version.failed) return [docker, 'compose'];
  }
  const standalone = await findOnPath('docker-compose');
  return standalone ? [standalone] : undefined;
}
