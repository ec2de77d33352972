import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lakehouseFolder } from '../../engines/definitions/trino.ts';
import { stackPaths, testStackFolder } from '../../engines/paths.ts';

/** The data files of a Hive table by name. */
type DataFiles = ReadonlyMap<string, Buffer>;

/** The files of a Hive table of the tests' lakehouse, to be replaced as another writer does: without Trino. */
export interface HiveFiles {
  read(): Promise<DataFiles>;
  /** Removes all files, except those with these names. */
  clear(kept?: Iterable<string>): Promise<void>;
  /**
   * Writes files one after the other, under new names, as Spark does.
   * @param pauseMs after each of them
   * @param ageSeconds how old they look
   */
  write(files: Iterable<Buffer>, options?: { pauseMs?: number; ageSeconds?: number }): Promise<void>;
}

let written = 0;

/** @param schema name of the schema, without the catalog */
export function hiveFiles(schema: string, table: string): HiveFiles {
  const folder = join(lakehouseFolder(stackPaths(testStackFolder), 'hive'), schema, table);
  // Hive ignores files whose names begin with a dot.
  const names = async () => (await readdir(folder)).filter((name) => !name.startsWith('.'));
  return {
    async read() {
      const files = (await names())
        .sort()
        .map(async (name) => [name, await readFile(join(folder, name))] as const);
      return new Map(await Promise.all(files));
    },
    async clear(kept = []) {
      const stay = new Set(kept);
      const removed = (await names()).filter((name) => !stay.has(name));
      await Promise.all(removed.map((name) => rm(join(folder, name))));
    },
    async write(files, { pauseMs = 0, ageSeconds = 0 } = {}) {
      for (const content of files) {
        const path = join(folder, `part-${String((written += 1)).padStart(5, '0')}.snappy.parquet`);
        await writeFile(path, content);
        const time = new Date(Date.now() - ageSeconds * 1000);
        if (ageSeconds > 0) await utimes(path, time, time);
        if (pauseMs > 0) await sleep(pauseMs);
      }
    },
  };
}
