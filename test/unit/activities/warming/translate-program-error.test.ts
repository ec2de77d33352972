import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from '../../../../activities/warming/part-warm.ts';
import { translateProgramError } from '../../../../activities/warming/translate-program-error.ts';

/** In an activity, because the log is that of the activity. */
const translate = (error: unknown) =>
  new MockActivityEnvironment().run(() => Promise.resolve(translateProgramError(error)));

function errorOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test.each([
  ['an unknown name', new ReferenceError('total is not defined')],
  ['a property of nothing', errorOf(() => (null as unknown as { name: string }).name)],
])('an error of the program (%s) is not retried', async (_name, error) => {
  const failure = await translate(error);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ type: 'ProgramError', nonRetryable: true, cause: error });
  expect(String(failure)).toContain(String(error));
});

test.each([
  [
    'a server that does not answer',
    new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }),
  ],
  ['an address that is not valid', errorOf(() => new URL('no address'))],
  ['text that is no JSON', errorOf(() => JSON.parse('{"half"') as unknown)],
  ['any other error', new Error('Connection is closed')],
  ['a failure', ApplicationFailure.create({ message: 'full' })],
])('%s is no error of the program', async (_name, error) => {
  expect(await translate(error)).toBe(error);
});

test('an error of the program fails the warm of a part at its first attempt', async () => {
  const deps = {
    settleSeconds: 0,
    renewal: { maxAgeSeconds: 0, minTtlSeconds: 0, writesPerSecond: 0 },
  } as PartWarmDeps;
  const args: WarmPartArgs = {
    ...{ dryRun: true, allProfiles: false, force: false, allowShrink: false },
    ...{ trigger: 'manual', runId: 'test' },
  };
  const warm = () =>
    new PartWarm(deps, 'rankings', args).run(() => Promise.reject(new TypeError('rows is not iterable')));
  await expect(new MockActivityEnvironment().run(warm)).rejects.toMatchObject({
    type: 'ProgramError',
    nonRetryable: true,
  });
});
