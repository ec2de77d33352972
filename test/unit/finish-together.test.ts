import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createFinishTogether } from '../../activities/finish-together.ts';

describe('pieces of one group', () => {
  test('report when the last of them is done', async () => {
    const begin = createFinishTogether();
    const [first, second] = [begin('batch'), begin('batch')];
    let reported = false;
    const done = first().then(() => (reported = true));
    await turn();
    expect(reported).toBe(false);
    await second();
    await done;
  });

  test('do not wait for those of another group, nor for ones that hang', async () => {
    const begin = createFinishTogether(20);
    begin('other');
    await begin('batch')();
    const hanging = begin('batch');
    await begin('batch')();
    await hanging();
  });

  test('of the next batch are a group of their own', async () => {
    const begin = createFinishTogether();
    await begin('batch')();
    await begin('batch')();
  });
});
