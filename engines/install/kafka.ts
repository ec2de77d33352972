import { join } from 'node:path';
import { copyJars } from './maven.ts';
import { installOnce, type InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { VERSIONS } from './versions.ts';

export const kafkaFolderName = `kafka-${VERSIONS.kafka}`;

/** Downloads Apache Kafka (43 MB of jars). @returns its folder, with the jars in `lib` */
export async function installKafka(context: InstallContext): Promise<string> {
  return installOnce(kafkaFolderName, context, async (folder) => {
    await withProgress(context.report, `Downloading Kafka ${VERSIONS.kafka} (43 MB)`, (onDetail) =>
      copyJars('kafka', join(folder, 'lib'), context, onDetail),
    );
  });
}
