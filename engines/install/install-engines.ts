import { MissingToolsError } from '../errors.ts';
import { isInstalled, type InstallContext } from './install-once.ts';
import { findJdk, noJdkMessage } from './java.ts';
import { installKafka, installKafka39, kafka39FolderName, kafkaFolderName } from './kafka.ts';
import { findRedis, installRedis } from './redis.ts';
import { findOnPath } from './run-tool.ts';
import { findTemporal, installTemporal } from './temporal.ts';
import { installTemporalTestServer, temporalTestServerFolderName } from './temporal-test-server.ts';
import { installTrino, trinoFolderName } from './trino.ts';
import { MINIMUM_JAVA } from './versions.ts';

type Installable = 'redis' | 'kafka' | 'kafka39' | 'trino' | 'temporal' | 'temporalTestServer';

const installers: Record<Installable, (context: InstallContext) => Promise<string>> = {
  redis: installRedis,
  kafka: installKafka,
  kafka39: installKafka39,
  trino: installTrino,
  temporal: installTemporal,
  temporalTestServer: installTemporalTestServer,
};

const DOWNLOADED_BY_MAVEN = {
  kafka: ['Kafka', kafkaFolderName],
  kafka39: ['Kafka 3.9', kafka39FolderName],
  trino: ['Trino', trinoFolderName],
  temporalTestServer: ["Temporal's test server", temporalTestServerFolderName],
} as const;

/**
 * Installs the missing ones of these engines in parallel.
 * @returns the location of each engine: the executable of Redis and Temporal, the folder of the others
 * @throws MissingToolsError before the first download, naming every missing tool
 * @throws InstallError when a tool fails
 */
export async function installEngines<Name extends Installable>(
  names: readonly Name[],
  context: InstallContext,
): Promise<Record<Name, string>> {
  const missing = (await Promise.all(names.map(missingToolsFor))).flat();
  if (missing.length > 0) throw new MissingToolsError([...new Set(missing)]);

  const failed = new AbortController();
  const signal = context.signal ? AbortSignal.any([context.signal, failed.signal]) : failed.signal;
  const installations = names.map(
    async (name) => [name, await installers[name]({ ...context, signal })] as const,
  );
  try {
    return Object.fromEntries(await Promise.all(installations)) as Record<Name, string>;
  } catch (error) {
    // Cancel the others and wait for them, so that nothing runs on after the error message.
    failed.abort();
    await Promise.allSettled(installations);
    throw error;
  }
}

/** @returns one sentence for each tool that the installation needs and that is missing */
async function missingToolsFor(name: Installable): Promise<string[]> {
  if (name === 'redis') {
    const search = await findRedis();
    return search.executable !== undefined || search.aptGet ? [] : [search.problem];
  }
  if (name === 'temporal') {
    if ((await findTemporal()) ?? (await findOnPath('go'))) return [];
    return [
      'Neither the `temporal` CLI nor Go, which can build it, is on PATH: install one of them (the Temporal CLI, or Go 1.25+), or set TEMPORAL_ADDRESS to a running server.',
    ];
  }
  const [title, folder] = DOWNLOADED_BY_MAVEN[name];
  const minimum = MINIMUM_JAVA[name];
  const missing = (await findJdk(minimum)) ? [] : [noJdkMessage(title, minimum)];
  if (!(await isInstalled(folder)) && !(await findOnPath('mvn'))) {
    missing.push(
      "Maven (`mvn`), which downloads Kafka, Trino and Temporal's test server, is not on PATH: install Apache Maven.",
    );
  }
  return missing;
}
