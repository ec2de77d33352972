import { join } from 'node:path';
import { enginesFolder, installFolder } from '../paths.ts';
import { installOnce, isInstalled, type InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { findOnPath, runTool } from './run-tool.ts';
import { VERSIONS } from './versions.ts';

const temporalFolderName = `temporal-${VERSIONS.temporal}`;

const PACKAGE = 'github.com/temporalio/cli/cmd/temporal';

/** @returns the Temporal CLI on PATH, or the one that an earlier run built; undefined if there is none */
export async function findTemporal(): Promise<string | undefined> {
  const onPath = await findOnPath('temporal');
  if (onPath) return onPath;
  return (await isInstalled(temporalFolderName))
    ? join(enginesFolder, temporalFolderName, 'temporal')
    : undefined;
}

/** Builds the Temporal CLI, which contains the server and its UI, with Go. Takes three minutes on two cores, once. */
export async function installTemporal(context: InstallContext): Promise<string> {
  const found = await findTemporal();
  if (found) return found;
  const folder = await installOnce(temporalFolderName, context, async (partial) => {
    await withProgress(
      context.report,
      `Building Temporal ${VERSIONS.temporal} with Go (a few minutes, only once)`,
      (onDetail) => build(join(partial, 'temporal'), context, onDetail),
    );
  });
  return join(folder, 'temporal');
}

async function build(
  output: string,
  context: InstallContext,
  onDetail: (detail: string) => void,
): Promise<void> {
  // go.sum pins the modules. The user's workspace and vendor settings must not change them.
  const options = {
    cwd: join(installFolder, 'temporal'),
    env: { GOWORK: 'off', GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' },
    signal: context.signal,
  };
  let packages = 0;
  onDetail('listing its packages');
  await runTool('go', ['list', '-deps', PACKAGE], {
    ...options,
    onLine: (line) => {
      if (line.startsWith('go: downloading')) onDetail(line.slice('go: '.length));
      else packages += 1;
    },
  });
  let compiled = 0;
  await runTool(
    'go',
    ['build', '-v', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', output, PACKAGE],
    {
      ...options,
      onLine: () => onDetail(`package ${++compiled} of at most ${packages}`),
    },
  );
}
