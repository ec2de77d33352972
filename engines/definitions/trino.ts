import { mkdir, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';

/**
 * The kinds of local lakehouse, each a catalog of its name: Iceberg tables, or Hive tables of Parquet files as Spark writes them.
 * Trino serves both.
 */
export const LAKEHOUSES = ['iceberg', 'hive'] as const;
export type LakehouseKind = (typeof LAKEHOUSES)[number];
/** Schema of the Silver tables, in either catalog. */
export const SCHEMA = 'kol_silver';

interface TrinoOptions {
  readonly folder: string;
  readonly javaHome: string;
  readonly port: number;
}

/** One Trino node that is coordinator and worker, with an Iceberg and a Hive catalog on the local disk. */
export function trinoProcess(options: TrinoOptions, paths: StackPaths): ProcessSpec {
  const data = paths.data('trino');
  const etc = join(data, 'etc');
  const files = {
    'config.properties': configProperties(options.port),
    'node.properties': `node.environment=local\nnode.id=local\nnode.internal-address=127.0.0.1\nnode.bind-ip=127.0.0.1\nnode.data-dir=${data}\n`,
    'jvm.config': JVM_CONFIG,
    'log.properties': '=WARN\n',
    ...Object.fromEntries(
      LAKEHOUSES.map((kind) => [
        `catalog/${kind}.properties`,
        CATALOG_PROPERTIES[kind] + storageProperties(lakehouseFolder(paths, kind)),
      ]),
    ),
  };
  return {
    name: 'trino',
    title: 'Trino',
    command: join(options.folder, 'bin', 'launcher'),
    args: ['run', '--etc-dir', etc, '--data-dir', data],
    env: {
      JAVA_HOME: options.javaHome,
      PATH: `${join(options.javaHome, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
    },
    startSeconds: 120,
    stopSeconds: 20,
    prepare: async () => {
      await mkdir(join(etc, 'catalog'), { recursive: true });
      for (const kind of LAKEHOUSES) await mkdir(lakehouseFolder(paths, kind), { recursive: true });
      // After a kill, the launcher refuses to start while any process has the pid in this file.
      await rm(join(data, 'var', 'run', 'launcher.pid'), { force: true });
      for (const [name, text] of Object.entries(files)) await writeFile(join(etc, name), text);
    },
    isReady: () => isTrinoReady(`http://127.0.0.1:${options.port}`),
  };
}

// With a static catalog, the node knows that it serves the catalog only after the next discovery round, up to 5 s after it reports
// that it has started; until then table scans fail with "No nodes available". Dynamic catalogs are available on every node immediately.
//
// By default, Trino keeps ended queries and tasks for 15 minutes. Tests run thousands in that time: they fill the heap, and looking
// through them each second takes a sixth of a core.
function configProperties(port: number): string {
  return `coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port=${port}
discovery.uri=http://127.0.0.1:${port}
catalog.management=dynamic
catalog.store=file
query.min-expire-age=2m
task.info.max-age=30s
http-server.log.enabled=false
query.max-memory=600MB
query.max-memory-per-node=600MB
memory.heap-headroom-per-node=300MB
`;
}

// TieredStopAtLevel=1 uses only the C1 compiler. Means of two runs on two cores: the start takes 8 s instead of 10 s at half the CPU
// time, and small queries on the local lakehouse take 70 ms instead of 120 ms, even after a hundred queries. With the parallel collector, a
// mix of small queries takes a quarter less CPU time than with G1, which marks the heap all the time.
const JVM_CONFIG = `-server
-XX:TieredStopAtLevel=1
-Xms512M
-Xmx1500M
-XX:+UseParallelGC
-XX:+ExitOnOutOfMemoryError
-XX:ReservedCodeCacheSize=256M
-Djdk.attach.allowAttachSelf=true
`;

/** The folder of a catalog. Data and metadata of `schema.table` are in `schema/table`. */
export const lakehouseFolder = (paths: StackPaths, kind: LakehouseKind): string =>
  join(paths.data('trino'), kind === 'iceberg' ? 'lakehouse' : kind);

// Without allow-all, the Hive connector refuses to drop and rename tables.
const CATALOG_PROPERTIES: Readonly<Record<LakehouseKind, string>> = {
  iceberg: 'connector.name=iceberg\niceberg.catalog.type=TESTING_FILE_METASTORE\n',
  hive: 'connector.name=hive\nhive.metastore=file\nhive.security=allow-all\nhive.storage-format=PARQUET\nhive.non-managed-table-writes-enabled=true\n',
};

// The file metastore needs no server besides Trino.
const storageProperties = (folder: string) => `hive.metastore.catalog.dir=local:///
fs.native-local.enabled=true
local.location=${folder}
`;

/** @returns whether the coordinator reports that it has started @throws Error with the reason when it does not respond */
export async function isTrinoReady(url: string): Promise<boolean> {
  const response = await fetch(new URL('/v1/info', url), { signal: AbortSignal.timeout(2000) });
  if (!response.ok) throw new Error(`GET /v1/info returned status ${response.status}`);
  const info = (await response.json()) as { starting?: boolean };
  return info.starting === false;
}
