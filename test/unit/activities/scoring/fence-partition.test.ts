import { describe, expect, test } from 'vitest';
import { fencePartition } from '../../../../activities/scoring/fence-partition.ts';
import { dependencies } from './fake-partition.ts';

const PARTITION = { group: 'g', topic: 't', partition: 0 };

/** A fence whose producer notes that it is closed. */
function fence() {
  const done: string[] = [];
  const deps = dependencies({}, { close: () => Promise.resolve(void done.push('closed')) });
  return { deps, done };
}

// A worker has a producer for each of its partitions, and partitions move between workers: producers that stay open add up.
describe('the producer of a partition is closed', () => {
  test('after the work', async () => {
    const { deps, done } = fence();
    await fencePartition(deps, PARTITION, () => Promise.resolve(void done.push('worked')));
    expect(done).toEqual(['worked', 'closed']);
  });

  test('after work that fails', async () => {
    const { deps, done } = fence();
    await expect(
      fencePartition(deps, PARTITION, () => Promise.reject(new Error('no model'))),
    ).rejects.toThrow('no model');
    expect(done).toEqual(['closed']);
  });

  test('when the committed offset cannot be read', async () => {
    const { deps, done } = fence();
    const offsets = { ...deps.offsets, committed: () => Promise.reject(new Error('no coordinator')) };
    await expect(fencePartition({ ...deps, offsets }, PARTITION, () => Promise.resolve())).rejects.toThrow(
      'no coordinator',
    );
    expect(done).toEqual(['closed']);
  });
});
