import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../engines/paths.ts';

/** The module that the programs for schedulers share. */
const SHARED = 'kol_cache';

/**
 * Writes the Python programs of docs/etl.md for schedulers to a new folder: the module that they share as `kol_cache.py`, the others
 * under their titles, such as `airflow_program.py`.
 * @param titles default: all
 */
export async function writePythonPrograms(titles?: readonly string[]): Promise<string> {
  const docs = await readFile(join(projectFolder, 'docs', 'etl.md'), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'kol-cache-'));
  // A comment in a program begins with one #.
  for (const section of docs.split(/^##+ /m)) {
    const [, title = '', program] = /^(.*)\n[^]*?^```py\n([^]*?)^```$/m.exec(section) ?? [];
    if (program === undefined) continue;
    const isShared = program.startsWith(`# ${SHARED}.py`);
    if (titles?.includes(title) === false && !isShared) continue;
    const name = isShared ? SHARED : `${title.toLowerCase()}_program`;
    await writeFile(join(folder, `${name}.py`), program);
  }
  return folder;
}
