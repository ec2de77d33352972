import { expect, test } from 'vitest';
import { createListDataFiles } from '../../../../clients/lakehouse/data-files.ts';
import type { SilverCatalog } from '../../../../clients/lakehouse/silver-catalog.ts';
import type { Trino } from '../../../../clients/lakehouse/trino.ts';
import { profile } from '../../../../domain/entities/profile.ts';

/** Lists the files of a snapshot that has so many. */
function list(count: number) {
  const files = Array.from({ length: count }, (_, index) => ['0', `/part-${index}`, '10', '1']);
  const trino = {
    rows: (sql: string) => Promise.resolve(sql.includes('file_path') ? files : [['7', '']]),
  } as unknown as Trino;
  const source = { metadata: () => 'files', select: () => '' };
  const silver = { source: () => Promise.resolve(source) } as unknown as SilverCatalog;
  return createListDataFiles(trino, silver)(profile, {
    kol_profiles: { kind: 'snapshot', id: '7', since: '' },
  });
}

test('500 files are read one by one; of more, none is listed, so that a warm reads all rows', async () => {
  expect(await list(500)).toMatchObject({ list: { version: 'snapshot 7 since ' } });
  expect(await list(501)).toEqual({ unlisted: 'more than 500 files' });
});
