import { join } from 'node:path';
import { copyJars } from './maven.ts';
import { installOnce, type InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { VERSIONS } from './versions.ts';

export const temporalTestServerFolderName = `temporal-test-server-${VERSIONS.temporalTestServer}`;

/** Downloads Temporal's time-skipping test server (33 MB of jars). @returns its folder, with the jars in `lib` */
export async function installTemporalTestServer(context: InstallContext): Promise<string> {
  return installOnce(temporalTestServerFolderName, context, async (folder) => {
    await withProgress(
      context.report,
      `Downloading Temporal's test server ${VERSIONS.temporalTestServer} (33 MB)`,
      (onDetail) => copyJars('temporal-test-server', join(folder, 'lib'), context, onDetail),
    );
  });
}
