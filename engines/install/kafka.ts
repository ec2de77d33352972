import { join } from 'node:path';
import { copyJars } from './maven.ts';
import { installOnce, type InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { VERSIONS } from './versions.ts';

export const kafkaFolderName = `kafka-${VERSIONS.kafka}`;
export const kafka39FolderName = `kafka-${VERSIONS.kafka39}`;

/** Downloads Apache Kafka (50 MB of jars). @returns its folder, with the jars in `lib` */
export const installKafka = (context: InstallContext): Promise<string> =>
  install('kafka', VERSIONS.kafka, kafkaFolderName, context);

/** Downloads the last release before Kafka 4, which has another group coordinator. Only tests use it. */
export const installKafka39 = (context: InstallContext): Promise<string> =>
  install('kafka-3.9', VERSIONS.kafka39, kafka39FolderName, context);

/** @param project folder in engines/install with the Maven project */
async function install(
  project: string,
  version: string,
  folderName: string,
  context: InstallContext,
): Promise<string> {
  return installOnce(folderName, context, async (folder) => {
    await withProgress(context.report, `Downloading Kafka ${version} (50 MB)`, (onDetail) =>
      copyJars(project, join(folder, 'lib'), context, onDetail),
    );
  });
}
