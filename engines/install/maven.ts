import { join } from 'node:path';
import { installFolder } from '../paths.ts';
import type { InstallContext } from './install-once.ts';
import { findJdk } from './java.ts';
import { runTool } from './run-tool.ts';
import { MINIMUM_JAVA } from './versions.ts';

const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

// Maven 3.8 does not lock its local repository, so the runs of this process take turns.
let lastRun: Promise<unknown> = Promise.resolve();

/** Copies the jars that `engines/install/<project>/pom.xml` depends on, directly or indirectly, into a folder. */
export async function copyJars(
  project: string,
  folder: string,
  context: InstallContext,
  onDetail: (detail: string) => void,
): Promise<void> {
  await runMaven(
    project,
    'copy-dependencies',
    ['-DincludeScope=runtime', `-DoutputDirectory=${folder}`],
    context,
    onDetail,
  );
}

/** Unpacks the archives that `engines/install/<project>/pom.xml` names into a folder. */
export async function unpackArchives(
  project: string,
  folder: string,
  context: InstallContext,
  onDetail: (detail: string) => void,
): Promise<void> {
  await runMaven(project, 'unpack', [`-Dtarget=${folder}`], context, onDetail);
}

async function runMaven(
  project: string,
  goal: string,
  settings: readonly string[],
  context: InstallContext,
  onDetail: (detail: string) => void,
): Promise<void> {
  const run = lastRun.then(async () => {
    const jdk = await findJdk(MINIMUM_JAVA.kafka);
    let files = 0;
    await runTool(
      'mvn',
      [
        '--batch-mode',
        '-f',
        join(installFolder, project, 'pom.xml'),
        `${DEPENDENCY_PLUGIN}:${goal}`,
        ...settings,
      ],
      {
        signal: context.signal,
        ...(jdk && { env: { JAVA_HOME: jdk.home } }),
        onLine: (line) => {
          const download = /Downloading from \S+: \S+\/([^/\s]+)$/.exec(line);
          const unpacked = /Unpacking .*\/([^/\s]+) to /.exec(line);
          if (download?.[1]) onDetail(`file ${++files}: ${download[1]}`);
          else if (unpacked?.[1]) onDetail(`unpacking ${unpacked[1]}`);
        },
      },
    );
  });
  lastRun = run.catch(() => undefined);
  await run;
}
