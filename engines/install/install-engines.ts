import { MissingToolsError } from '../errors.ts';
import { isInstalled, type InstallContext } from './install-once.ts';
import { findJdk, noJdkSentence } from './java.ts';
import { installKafka, kafkaFolderName } from './kafka.ts';
import { findRedis, installRedis } from './redis.ts';
import { findOnPath } from './run-tool.ts';
import { findTemporal, installTemporal } from './temporal.ts';
import { installTemporalTestServer, temporalTestServerFolderName } from './temporal-test-server.ts';
import { installTrino, trinoFolderName } from './trino.ts';
import { MINIMUM_JAVA } from './versions.ts';

export type Installable = 'redis' | 'kafka' | 'trino' | 'temporal' | 'temporalTestServer';

const installers: Record<Installable, (context: InstallContext) => Promise<string>> = {
  redis: installRedis,
  kafka: installKafka,
  trino: installTrino,
  temporal: installTemporal,
  temporalTestServer: installTemporalTestServer,
};

const fetchedByMaven = {
  kafka: ['Kafka', kafkaFolderName],
  trino: ['Trino', trinoFolderName],
  temporalTestServer: ["Temporal's test server", temporalTestServerFolderName],
} as const;

/**
 * Installs what is missing of these engines, side by side.
 * @returns where each one is: the executable of Redis and Temporal, the folder of the others
 * @throws MissingToolsError before anything is fetched, naming every tool that is not there
 * @throws InstallError when a tool fails
 */
export async function installEngines<Name extends Installable>(
  names: readonly Name[],
  context: InstallContext,
): Promise<Record<Name, string>> {
  const missing = (await Promise.all(names.map(whatIsMissingFor))).flat();
  if (missing.length > 0) throw new MissingToolsError([...new Set(missing)]);

  const stop = new AbortController();
  const signal = context.signal ? AbortSignal.any([context.signal, stop.signal]) : stop.signal;
  const work = names.map(async (name) => [name, await installers[name]({ ...context, signal })] as const);
  try {
    return Object.fromEntries(await Promise.all(work)) as Record<Name, string>;
  } catch (error) {
    // The others are stopped and waited for, so that no half-done work goes on behind the message.
    stop.abort();
    await Promise.allSettled(work);
    throw error;
  }
}

async function whatIsMissingFor(name: Installable): Promise<string[]> {
  if (name === 'redis') {
    const search = await findRedis();
    return search.found !== undefined || search.apt ? [] : [search.sentence];
  }
  if (name === 'temporal') {
    if ((await findTemporal()) ?? (await findOnPath('go'))) return [];
    return [
      'The `temporal` CLI is not on PATH, nor is Go, which would build it: install either (Temporal CLI, or Go 1.25+), or set TEMPORAL_ADDRESS to a running server.',
    ];
  }
  const [title, folder] = fetchedByMaven[name];
  const minimum = MINIMUM_JAVA[name];
  const sentences = (await findJdk(minimum)) ? [] : [noJdkSentence(title, minimum)];
  if (!(await isInstalled(folder)) && !(await findOnPath('mvn'))) {
    sentences.push(
      "Maven (`mvn`), which fetches Kafka, Trino and Temporal's test server, is not on PATH: install Apache Maven.",
    );
  }
  return sentences;
}
