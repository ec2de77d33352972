import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createCompletionBarrier } from '../../../../activities/scoring/completion-barrier.ts';

describe('pieces of one group', () => {
  test('report when the last of them is done, and know of each other', async () => {
    const begin = createCompletionBarrier<number>();
    const [first, second] = [begin('batch'), begin('batch')];
    let reported = false;
    const done = first.finish(1).finally(() => (reported = true));
    await turn();
    expect(reported).toBe(false);
    expect(await second.finish(2)).toEqual([1, 2]);
    expect(await done).toEqual([1, 2]);
  });

  test('do not wait for one that fails', async () => {
    const begin = createCompletionBarrier<number>();
    const [first, second] = [begin('batch'), begin('batch')];
    const done = first.finish(1);
    second.fail();
    expect(await done).toEqual([1]);
  });

  test('do not wait for those of another group, nor for ones that hang', async () => {
    const begin = createCompletionBarrier<number>(20);
    begin('other');
    expect(await begin('batch').finish(1)).toEqual([1]);
    const hanging = begin('batch');
    expect(await begin('batch').finish(2)).toEqual([2]);
    // Who reported before is not there any more.
    expect(await hanging.finish(3)).toEqual([3]);
  });

  test('of the next batch are a group of their own', async () => {
    const begin = createCompletionBarrier<number>();
    expect(await begin('batch').finish(1)).toEqual([1]);
    expect(await begin('batch').finish(2)).toEqual([2]);
  });
});
