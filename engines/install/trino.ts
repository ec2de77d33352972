import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InstallError } from '../errors.ts';
import { installOnce, type InstallContext } from './install-once.ts';
import { unpackArchives } from './maven.ts';
import { withProgress } from './progress.ts';
import { isExecutable } from './run-tool.ts';
import { VERSIONS } from './versions.ts';

export const trinoFolderName = `trino-${VERSIONS.trino}`;

/**
 * Downloads Trino (540 MB) with Iceberg as its only plugin, because each plugin lengthens every start.
 * @returns its folder with the layout of a Trino server: bin, lib, plugin/iceberg
 * @throws InstallError when the file system keeps no executable bits
 */
export async function installTrino(context: InstallContext): Promise<string> {
  return installOnce(trinoFolderName, context, async (folder) => {
    await withProgress(
      context.report,
      `Downloading Trino ${VERSIONS.trino} with Iceberg (540 MB)`,
      async (onDetail) => {
        const unpacked = join(folder, 'unpacked');
        await unpackArchives('trino', unpacked, context, onDetail);
        const server = join(unpacked, `trino-server-core-${VERSIONS.trino}`);
        await rm(join(server, 'plugin'), { recursive: true });
        for (const entry of await readdir(server)) await rename(join(server, entry), join(folder, entry));
        await mkdir(join(folder, 'plugin'));
        await rename(join(unpacked, `trino-iceberg-${VERSIONS.trino}`), join(folder, 'plugin', 'iceberg'));
        await rm(unpacked, { recursive: true });
      },
    );
    if (!(await isExecutable(join(folder, 'bin', 'launcher')))) {
      throw new InstallError(
        `Trino's bin/launcher is not executable after unpacking: move the project to a file system that keeps file permissions.`,
      );
    }
  });
}
