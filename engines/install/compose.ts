import { execa } from 'execa';
import { InstallError } from '../errors.ts';
import type { InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { findOnPath, runTool } from './run-tool.ts';

/** How to call Compose: the command and the arguments that come before Compose's own. */
export type ComposeCommand = readonly [command: string, ...prefix: string[]];

/** @returns Compose v2 (`docker compose`) where the plugin is there, else docker-compose; undefined for neither */
export async function findCompose(): Promise<ComposeCommand | undefined> {
  const docker = await findOnPath('docker');
  if (docker) {
    const version = await execa(docker, ['compose', 'version'], { reject: false });
    if (!version.failed) return [docker, 'compose'];
  }
  const standalone = await findOnPath('docker-compose');
  return standalone ? [standalone] : undefined;
}

/**
 * Reading docker-compose.yml needs no Docker engine, so Debian's package is enough for the tests.
 * @returns how to call Compose, installed with apt if none was there
 * @throws InstallError when there is none and no way to install it, or apt failed
 */
export async function installCompose(context: InstallContext): Promise<ComposeCommand> {
  const found = await findCompose();
  if (found) return found;
  const apt = await aptGet();
  if (!apt) {
    throw new InstallError(
      'Neither `docker compose` nor docker-compose is on PATH: install Docker Compose with your package manager.',
    );
  }
  const [command, ...prefix] = apt;
  const options = { signal: context.signal, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  await withProgress(context.report, 'Installing docker-compose with apt', async (detail) => {
    detail('apt-get update');
    await runTool(command, [...prefix, 'update', '-q'], options);
    detail('apt-get install');
    await runTool(
      command,
      [...prefix, 'install', '-q', '-y', '--no-install-recommends', 'docker-compose'],
      options,
    );
  });
  const installed = await findCompose();
  if (!installed) throw new InstallError('apt installed docker-compose and it is still not on PATH.');
  return installed;
}

async function aptGet(): Promise<readonly [string, ...string[]] | undefined> {
  if (!(await findOnPath('apt-get'))) return undefined;
  if (process.getuid?.() === 0) return ['apt-get'];
  const sudo = await execa('sudo', ['-n', 'true'], { reject: false });
  return sudo.failed ? undefined : ['sudo', '-n', 'apt-get'];
}
