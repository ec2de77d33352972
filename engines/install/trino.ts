import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InstallError } from '../errors.ts';
import { installOnce, type InstallContext } from './install-once.ts';
import { unpackArchives } from './maven.ts';
import { withProgress } from './progress.ts';
import { isExecutable } from './run-tool.ts';
import { VERSIONS } from './versions.ts';

/** The connectors of the two kinds of lakehouse. No other plugin is installed, because each one lengthens every start. */
const PLUGINS = ['iceberg', 'hive'] as const;

export const trinoFolderName = `trino-${VERSIONS.trino}-${PLUGINS.join('-')}`;

/**
 * Downloads Trino with the plugins of both lakehouses (800 MB).
 * @returns its folder with the layout of a Trino server: bin, lib, plugin/iceberg, plugin/hive
 * @throws InstallError when the file system keeps no executable bits
 */
export async function installTrino(context: InstallContext): Promise<string> {
  return installOnce(trinoFolderName, context, async (folder) => {
    await withProgress(
      context.report,
      `Downloading Trino ${VERSIONS.trino} with Iceberg and Hive (800 MB)`,
      async (onDetail) => {
        const unpacked = join(folder, 'unpacked');
        await unpackArchives('trino', unpacked, context, onDetail);
        const server = join(unpacked, `trino-server-core-${VERSIONS.trino}`);
        await rm(join(server, 'plugin'), { recursive: true });
        for (const entry of await readdir(server)) await rename(join(server, entry), join(folder, entry));
        await mkdir(join(folder, 'plugin'));
        for (const plugin of PLUGINS)
          await rename(join(unpacked, `trino-${plugin}-${VERSIONS.trino}`), join(folder, 'plugin', plugin));
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
