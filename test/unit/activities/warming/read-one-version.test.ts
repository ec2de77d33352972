import { ApplicationFailure } from '@temporalio/activity';
import { expect, test } from 'vitest';
import type { PartWarm } from '../../../../activities/warming/part-warm.ts';
import { readOneVersion, readPlannedVersion } from '../../../../activities/warming/read-one-version.ts';
import { TableChangedError } from '../../../../clients/lakehouse/table-changed.ts';
import type { TableVersions } from '../../../../domain/warming/table-version.ts';

const snapshot = (id: string): TableVersions => ({ kol_profiles: { kind: 'snapshot', id, since: '' } });
const gone = () => Promise.reject(new TableChangedError(['kol_profiles']));

function warmOf(versions: readonly TableVersions[]) {
  const left = [...versions];
  const warm = { settleMs: 0, readVersions: () => Promise.resolve(left.shift()), forgetRead: () => {} };
  return warm as unknown as PartWarm;
}

test('a table whose snapshot is gone is read again at its new snapshot', async () => {
  const read = (versions: TableVersions) =>
    versions.kol_profiles?.kind === 'snapshot' && versions.kol_profiles.id === '2'
      ? Promise.resolve('rows')
      : gone();
  const reading = readOneVersion(warmOf([snapshot('2')]), snapshot('1'), read);
  expect(await reading).toEqual({ versions: snapshot('2'), result: 'rows' });
});

test('a table that is created again during each read fails the part', async () => {
  const versions = [2, 3, 4, 5, 6, 7].map((id) => snapshot(String(id)));
  const reading = readOneVersion(warmOf(versions), snapshot('1'), gone);
  await expect(reading).rejects.toMatchObject({ type: 'SourceChanging', nonRetryable: true });
});

test('a version of the plan that is gone ends the activity, so that the workflow plans again', async () => {
  await expect(readPlannedVersion(gone)).rejects.toThrow(ApplicationFailure);
  await expect(readPlannedVersion(gone)).rejects.toMatchObject({
    type: 'SourceChanging',
    nonRetryable: true,
  });
});
