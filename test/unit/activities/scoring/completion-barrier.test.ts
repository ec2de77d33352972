import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createCompletionBarrier } from '../../../../activities/scoring/completion-barrier.ts';

describe('participants of a group', () => {
  test('report when the last of them is done, with the results of all', async () => {
    const register = createCompletionBarrier<number>();
    const [first, second] = [register('batch'), register('batch')];
    let hasReported = false;
    const firstResults = first.finish(1).finally(() => (hasReported = true));
    await nextTurn();
    expect(hasReported).toBe(false);
    expect(await second.finish(2)).toEqual([1, 2]);
    expect(await firstResults).toEqual([1, 2]);
  });

  test('do not wait for one that fails', async () => {
    const register = createCompletionBarrier<number>();
    const [first, second] = [register('batch'), register('batch')];
    const results = first.finish(1);
    second.fail();
    expect(await results).toEqual([1]);
  });

  test('wait neither for another group nor for a participant that hangs', async () => {
    const register = createCompletionBarrier<number>(20);
    register('other');
    expect(await register('batch').finish(1)).toEqual([1]);
    const hanging = register('batch');
    expect(await register('batch').finish(2)).toEqual([2]);
    // The others have reported already.
    expect(await hanging.finish(3)).toEqual([3]);
  });

  test('of a later batch with the same name form a new group', async () => {
    const register = createCompletionBarrier<number>();
    expect(await register('batch').finish(1)).toEqual([1]);
    expect(await register('batch').finish(2)).toEqual([2]);
  });
});
