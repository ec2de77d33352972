import { mkdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';

/** Catalog and schema of the Silver tables in the local lakehouse. */
export const CATALOG = 'iceberg';
export const SCHEMA = 'kol_silver';

export interface TrinoPlace {
  readonly folder: string;
  readonly javaHome: string;
  readonly port: number;
}

/** One Trino node, coordinator and worker in one, with an Iceberg catalog on the local disk. */
export function trinoProcess(place: TrinoPlace, paths: StackPaths): ProcessSpec {
  const data = paths.data('trino');
  const etc = join(data, 'etc');
  const lakehouse = join(data, 'lakehouse');
  const files = {
    'config.properties': configProperties(place.port),
    'node.properties': `node.environment=local\nnode.id=local\nnode.internal-address=127.0.0.1\nnode.bind-ip=127.0.0.1\nnode.data-dir=${data}\n`,
    'jvm.config': JVM,
    'log.properties': '=WARN\n',
    [`catalog/${CATALOG}.properties`]: catalogProperties(lakehouse),
  };
  return {
    name: 'trino',
    title: 'Trino',
    command: join(place.folder, 'bin', 'launcher'),
    args: ['run', '--etc-dir', etc, '--data-dir', data],
    env: {
      JAVA_HOME: place.javaHome,
      PATH: `${join(place.javaHome, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
    },
    startSeconds: 120,
    stopSeconds: 20,
    prepare: async () => {
      await mkdir(join(etc, 'catalog'), { recursive: true });
      await mkdir(lakehouse, { recursive: true });
      // The launcher refuses to run while any process has the number of a Trino that was killed.
      await rm(join(data, 'var', 'run', 'launcher.pid'), { force: true });
      for (const [name, text] of Object.entries(files)) await writeFile(join(etc, name), text);
    },
    isReady: () => trinoAnswers(`http://127.0.0.1:${place.port}`),
  };
}

// With static catalogs the node learns only at the next round of discovery, up to 5 s after it says it has started,
// that it serves the catalog; until then table scans fail with "No nodes available". Dynamic ones are on every node.
function configProperties(port: number): string {
  return `coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port=${port}
discovery.uri=http://127.0.0.1:${port}
catalog.management=dynamic
catalog.store=file
query.max-memory=600MB
query.max-memory-per-node=600MB
memory.heap-headroom-per-node=300MB
`;
}

// C1 alone: on two cores the start takes 8 s instead of 10 s, at half the CPU time, and the small queries of a local
// lakehouse take 70 ms instead of 120 ms even after a hundred of them (means of two runs each).
const JVM = `-server
-XX:TieredStopAtLevel=1
-Xms512M
-Xmx1500M
-XX:+UseG1GC
-XX:+ExitOnOutOfMemoryError
-XX:ReservedCodeCacheSize=256M
-Djdk.attach.allowAttachSelf=true
`;

// The file metastore is the one that needs no server beside Trino.
const catalogProperties = (lakehouse: string) => `connector.name=iceberg
iceberg.catalog.type=TESTING_FILE_METASTORE
hive.metastore.catalog.dir=local:///
fs.native-local.enabled=true
local.location=${lakehouse}
`;

/** @returns whether a Trino coordinator says that it has started; throws why it does not answer */
export async function trinoAnswers(url: string): Promise<boolean> {
  const response = await fetch(new URL('/v1/info', url), { signal: AbortSignal.timeout(2000) });
  if (!response.ok) throw new Error(`GET /v1/info answered ${response.status}`);
  const info = (await response.json()) as { starting?: boolean };
  return info.starting === false;
}
