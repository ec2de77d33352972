import { describe, expect, test } from 'vitest';
import { readUnchanged } from '../../../../clients/lakehouse/read-unchanged.ts';
import type { TableVersion } from '../../../../domain/warming/table-version.ts';

const files = (fingerprint: string): TableVersion => ({ kind: 'files', fingerprint, newestMs: 0 });
const snapshot = (id: string): TableVersion => ({ kind: 'snapshot', id, since: '' });

/** Reads a table that has one version before the read and another one after it. */
async function read(...versions: TableVersion[]) {
  const seen: unknown[] = [];
  const pages: string[] = [];
  const versionsOf = () => Promise.resolve({ kol_trust_features: versions.shift() as TableVersion });
  const all = readUnchanged('kol_trust_features', versionsOf, async function* (given) {
    seen.push(given.kol_trust_features);
    yield await Promise.resolve('page');
  });
  for await (const page of all) pages.push(page);
  return { pages, seen };
}

describe('a read of one version', () => {
  test('fails when the files changed during the read', async () => {
    await expect(read(files('a'), files('b'))).rejects.toThrow('kol_trust_features changed');
  });

  test('succeeds when the files are the same, or the version cannot be told', async () => {
    expect((await read(files('a'), files('a'))).pages).toEqual(['page']);
    expect((await read({ kind: 'unknown' }, { kind: 'unknown' })).pages).toEqual(['page']);
  });

  test('reads an Iceberg snapshot by its id, so that a newer one does not matter', async () => {
    expect(await read(snapshot('1'), snapshot('2'))).toEqual({ pages: ['page'], seen: [snapshot('1')] });
  });
});
