import { rename, rm, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackArchives } from './maven.ts';
import { InstallError } from '../errors.ts';
import { installOnce, type InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { isExecutable } from './run-tool.ts';
import { VERSIONS } from './versions.ts';

export const trinoFolderName = `trino-${VERSIONS.trino}`;

/**
 * Fetches Trino (540 MB) and keeps of its plugins just Iceberg: each other one makes every start longer.
 * @returns its folder, laid out as a Trino server: bin, lib, plugin/iceberg
 */
export async function installTrino(context: InstallContext): Promise<string> {
  return installOnce(trinoFolderName, context, async (folder) => {
    await withProgress(
      context.report,
      `Fetching Trino ${VERSIONS.trino} with Iceberg (540 MB)`,
      async (detail) => {
        const unpacked = join(folder, 'unpacked');
        await unpackArchives('trino', unpacked, context, detail);
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
        `Trino's bin/launcher was unpacked without leave to run it: unpack onto another file system.`,
      );
    }
  });
}
