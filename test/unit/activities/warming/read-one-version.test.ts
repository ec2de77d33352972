import { ApplicationFailure } from '@temporalio/activity';
import { describe, expect, test } from 'vitest';
import type { PartWarm, ReadStart } from '../../../../activities/warming/part-warm.ts';
import { readOneVersion, readPlannedVersion } from '../../../../activities/warming/read-one-version.ts';
import { TableChangedError } from '../../../../clients/lakehouse/table-changed.ts';
import type { PartMetadata } from '../../../../domain/entities/part-metadata.ts';
import { versionOfFiles, versionTexts } from '../../../../domain/warming/table-version.ts';

const snapshot = (id: string): ReadStart => ({
  versions: { kol_profiles: { kind: 'snapshot', id, since: '' } },
  readAt: Number(id),
});
const gone = () => Promise.reject(new TableChangedError(['kol_profiles']));

/** @param starts what each listing after the first sees; the last one repeats */
function warmOf(starts: readonly ReadStart[], settleMs = 0) {
  const left = [...starts];
  const readVersions = () => Promise.resolve(left.length > 1 ? left.shift() : left[0]);
  return { settleMs, reading: {}, readVersions, forgetRead: () => {} } as unknown as PartWarm;
}

/** A Hive table of these old files. */
const filesOf = (...names: readonly string[]): ReadStart => {
  const files = names.map((path) => ({ path, bytes: '1', modifiedMs: 1000 }));
  return { versions: { kol_profiles: versionOfFiles(files, '') }, readAt: names.length };
};

/** Reads a table whose last warm saw these files at this time. @returns how many files each read saw */
async function readsAfter(
  last: ReadStart,
  readAtMs: number,
  [first, ...later]: readonly [ReadStart, ...ReadStart[]],
) {
  const reads: number[] = [];
  const metadata = { versions: versionTexts(last.versions), read_at: new Date(readAtMs).toISOString() };
  await readOneVersion(
    warmOf([...later, later.at(-1) ?? first], 20),
    { first, last: metadata as unknown as PartMetadata },
    ({ readAt }) => Promise.resolve(reads.push(readAt)),
  );
  return reads;
}

describe('a table whose files were only deleted since the last warm', () => {
  const four = filesOf('a', 'b', 'c', 'd');
  const [three, two] = [filesOf('b', 'c', 'd'), filesOf('c', 'd')];

  test('is read when its files are the same after the settle time', async () => {
    expect(await readsAfter(four, 5000, [three, two])).toEqual([2]);
    expect(await readsAfter(four, 5000, [three, three])).toEqual([3]);
    expect(await readsAfter(four, 5000, [three, two, filesOf('d')])).toEqual([1]);
  });

  test('is watched in the same way when the first deletion is seen by the warm', async () => {
    expect(await readsAfter(four, 5000, [four, three, two, two])).toEqual([4, 2]);
  });

  test('is not read when the deletions do not end within six listings', async () => {
    const names = ['b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const starts = names.map((_, index) => filesOf(...names.slice(index)));
    const [first = three, ...later] = starts;
    await expect(readsAfter(filesOf('a', ...names), 5000, [first, ...later])).rejects.toMatchObject({
      type: 'SourceChanging',
    });
  });
});

test.each([
  ['has not changed since the last warm', filesOf('a'), 5000],
  ['has a file that is newer than the last warm', filesOf('a', 'b'), 500],
])('a table of old files that %s is read at once', async (_, last, readAtMs) => {
  expect(await readsAfter(last, readAtMs, [filesOf('a'), filesOf('a')])).toEqual([1]);
});

test('a table whose snapshot is gone is read again at its new snapshot', async () => {
  const read = ({ versions }: ReadStart) =>
    versions.kol_profiles?.kind === 'snapshot' && versions.kol_profiles.id === '2'
      ? Promise.resolve('rows')
      : gone();
  const reading = readOneVersion(warmOf([snapshot('2')]), { first: snapshot('1'), last: null }, read);
  expect(await reading).toEqual({ ...snapshot('2'), result: 'rows' });
});

test('a table that is created again during each read fails the part', async () => {
  const starts = [2, 3, 4, 5, 6, 7].map((id) => snapshot(String(id)));
  const reading = readOneVersion(warmOf(starts), { first: snapshot('1'), last: null }, gone);
  await expect(reading).rejects.toMatchObject({ type: 'SourceChanging', nonRetryable: true });
});

test('if a version of the plan is gone, the activity ends, and the workflow plans again', async () => {
  await expect(readPlannedVersion(gone)).rejects.toThrow(ApplicationFailure);
  await expect(readPlannedVersion(gone)).rejects.toMatchObject({
    type: 'SourceChanging',
    nonRetryable: true,
  });
});
