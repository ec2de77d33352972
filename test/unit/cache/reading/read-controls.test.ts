import { describe, expect, test } from 'vitest';
import { NotCachedError } from '../../../../cache/reading/not-cached.ts';
import { readControlled } from '../../../../cache/reading/read-controls.ts';
import { ScoreRefusedError } from '../../../../cache/reading/score-refused.ts';
import { SourceUnavailableError } from '../../../../cache/reading/source-unavailable.ts';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';

const cached = { ttlSeconds: 50, value: 'cached' };

/** A read with `no-cache` of a cached value, whose refresh fails. */
const readWith = (error: Error) =>
  readControlled(
    { noCache: true, onlyIfCached: false, mayRefresh: () => Promise.resolve(true) },
    {
      ...{ entity: 'score', ttlSeconds: 100, cached },
      load: () => Promise.reject(new Error('a cached value is not loaded')),
      refresh: () => Promise.reject(error),
    },
  );

describe('a refresh that fails', () => {
  test.each([
    new SourceUnavailableError('profile', {}),
    new NotCachedError('profile', 'switch'),
    new MlApiUnavailableError('the model is down'),
    new ScoreRefusedError('zoe', 'it cannot be scored'),
  ])('sends the cached answer: $name', async (error) => {
    expect(await readWith(error)).toBe(cached);
  });

  test('does not hide a defect', async () => {
    await expect(readWith(new TypeError('a defect'))).rejects.toThrow('a defect');
  });
});
