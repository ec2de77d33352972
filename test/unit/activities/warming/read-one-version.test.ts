import { ApplicationFailure } from '@temporalio/activity';
import { expect, test } from 'vitest';
import type { PartWarm, ReadStart } from '../../../../activities/warming/part-warm.ts';
import { readOneVersion, readPlannedVersion } from '../../../../activities/warming/read-one-version.ts';
import { TableChangedError } from '../../../../clients/lakehouse/table-changed.ts';

const snapshot = (id: string): ReadStart => ({
  versions: { kol_profiles: { kind: 'snapshot', id, since: '' } },
  readAt: Number(id),
});
const gone = () => Promise.reject(new TableChangedError(['kol_profiles']));

function warmOf(starts: readonly ReadStart[]) {
  const left = [...starts];
  const warm = { settleMs: 0, readVersions: () => Promise.resolve(left.shift()), forgetRead: () => {} };
  return warm as unknown as PartWarm;
}

test('a table whose snapshot is gone is read again at its new snapshot', async () => {
  const read = ({ versions }: ReadStart) =>
    versions.kol_profiles?.kind === 'snapshot' && versions.kol_profiles.id === '2'
      ? Promise.resolve('rows')
      : gone();
  const reading = readOneVersion(warmOf([snapshot('2')]), snapshot('1'), read);
  expect(await reading).toEqual({ ...snapshot('2'), result: 'rows' });
});

test('a table that is created again during each read fails the part', async () => {
  const starts = [2, 3, 4, 5, 6, 7].map((id) => snapshot(String(id)));
  const reading = readOneVersion(warmOf(starts), snapshot('1'), gone);
  await expect(reading).rejects.toMatchObject({ type: 'SourceChanging', nonRetryable: true });
});

test('if a version of the plan is gone, the activity ends, and the workflow plans again', async () => {
  await expect(readPlannedVersion(gone)).rejects.toThrow(ApplicationFailure);
  await expect(readPlannedVersion(gone)).rejects.toMatchObject({
    type: 'SourceChanging',
    nonRetryable: true,
  });
});
