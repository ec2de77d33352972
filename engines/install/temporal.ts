import { join } from 'node:path';
import { enginesFolder, installFolder } from '../paths.ts';
import { installOnce, isInstalled, type InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { findOnPath, runTool } from './run-tool.ts';
import { VERSIONS } from './versions.ts';

export const temporalFolderName = `temporal-${VERSIONS.temporal}`;

const PACKAGE = 'github.com/temporalio/cli/cmd/temporal';

/** @returns the Temporal CLI on PATH, or the one built here before */
export async function findTemporal(): Promise<string | undefined> {
  const onPath = await findOnPath('temporal');
  if (onPath) return onPath;
  return (await isInstalled(temporalFolderName))
    ? join(enginesFolder, temporalFolderName, 'temporal')
    : undefined;
}

/** Builds the Temporal CLI, which holds the server and its UI, with Go: three minutes on two cores, once. */
export async function installTemporal(context: InstallContext): Promise<string> {
  const found = await findTemporal();
  if (found) return found;
  const folder = await installOnce(temporalFolderName, context, async (partial) => {
    await withProgress(
      context.report,
      `Building Temporal ${VERSIONS.temporal} with Go (minutes, once)`,
      (detail) => build(join(partial, 'temporal'), context, detail),
    );
  });
  return join(folder, 'temporal');
}

async function build(output: string, context: InstallContext, detail: (text: string) => void): Promise<void> {
  // The modules are fixed by go.sum; a workspace or a vendor setting of the user's must not interfere.
  const options = {
    cwd: join(installFolder, 'temporal'),
    env: { GOWORK: 'off', GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' },
    signal: context.signal,
  };
  let packages = 0;
  detail('listing its packages');
  await runTool('go', ['list', '-deps', PACKAGE], {
    ...options,
    onLine: (line) => {
      if (line.startsWith('go: downloading')) detail(line.slice('go: '.length));
      else packages += 1;
    },
  });
  let compiled = 0;
  await runTool(
    'go',
    ['build', '-v', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', output, PACKAGE],
    {
      ...options,
      onLine: () => detail(`package ${++compiled} of at most ${packages}`),
    },
  );
}
