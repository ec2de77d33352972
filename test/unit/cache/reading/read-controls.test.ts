import { describe, expect, test } from 'vitest';
import { NotCachedError } from '../../../../cache/reading/not-cached.ts';
import { readControlled } from '../../../../cache/reading/read-controls.ts';
import { ScoreRefusedError } from '../../../../cache/reading/score-refused.ts';
import { SourceUnavailableError } from '../../../../cache/reading/source-unavailable.ts';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import { parseRequestDirectives } from '../../../../domain/values/request-directives.ts';

const cached = { ttlSeconds: 50, value: 'cached', outcome: 'hit' } as const;

const noEvent = () => Promise.resolve(undefined);

/** A read with `no-cache` of a cached value, whose refresh fails. */
const readWith = (error: Error) =>
  readControlled(
    { noCache: true, onlyIfCached: false, mayRefresh: () => Promise.resolve(true) },
    {
      ...{ entity: 'score', ttlSeconds: 100, cached },
      ofEvent: noEvent,
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

test.each([
  ['no-cache', true, 'refreshed'],
  ['no-cache', false, 'loaded'],
  ['max-age=0', true, 'loaded'],
])('a miss of a client that sends %s (may refresh: %s) is %s', async (header, mayRefresh, expected) => {
  const controls = parseRequestDirectives(header);
  if (controls === undefined) throw new Error('the client accepts any answer');
  const miss = (value: string) => () => Promise.resolve({ outcome: 'miss' as const, value });
  const { value } = await readControlled<{ outcome: 'miss'; value: string }>(
    { ...controls, mayRefresh: () => Promise.resolve(mayRefresh) },
    {
      ...{ entity: 'profile', ttlSeconds: 3600, cached: undefined },
      ...{ load: miss('loaded'), ofEvent: noEvent, refresh: miss('refreshed') },
    },
  );
  expect(value).toBe(expected);
});

test('a value that events wrote answers a client that sends no-cache, without a permission', async () => {
  const unused = () => Promise.reject(new Error('not asked for'));
  const newer = { ...cached, value: 'of an event' };
  const answer = await readControlled<typeof newer>(
    { noCache: true, onlyIfCached: false, mayRefresh: unused },
    {
      ...{ entity: 'score', ttlSeconds: 100, cached: { ...cached }, load: unused, refresh: unused },
      ofEvent: () => Promise.resolve(newer),
    },
  );
  expect(answer).toBe(newer);
});

describe('a stale answer, 50 s after the end of a TTL of 3600 s,', () => {
  const stale = { ttlSeconds: -50, value: 'stale', outcome: 'stale' } as const;
  const loaded = { ttlSeconds: 3600, value: 'loaded', outcome: 'miss' } as const;
  const refreshed = { ...loaded, value: 'refreshed' } as unknown as typeof loaded;
  const readWith = (
    header: string,
    load = () => Promise.resolve<typeof stale | typeof loaded>(loaded),
    mayRefresh = false,
  ) => {
    const directives = parseRequestDirectives(header);
    if (directives === undefined) throw new Error('the client accepts any answer');
    return readControlled<typeof stale | typeof loaded>(
      { ...directives, mayRefresh: () => Promise.resolve(mayRefresh) },
      {
        ...{ entity: 'profile', ttlSeconds: 3600, cached: stale, load, ofEvent: noEvent },
        refresh: () => Promise.resolve(refreshed),
      },
    );
  };

  test.each([
    ['max-age=3600, max-stale', 'stale'],
    ['max-age=3600, max-stale=50', 'stale'],
    ['max-age=3600, max-stale=5', 'loaded'],
    ['max-age=3600', 'loaded'],
    ['no-cache, max-stale', 'loaded'],
    ['min-fresh=10, max-stale', 'loaded'],
    ['only-if-cached, max-stale', 'stale'],
    ['only-if-cached, max-stale=60', 'stale'],
  ])('for a client that sends %s, when the budget of refreshes is used up: %s', async (header, expected) => {
    expect((await readWith(header)).value).toBe(expected);
  });

  test.each([
    ['max-age=3600', 'loaded'],
    ['no-cache', 'refreshed'],
  ])('for a client that sends %s and may refresh: %s', async (header, expected) => {
    expect((await readWith(header, undefined, true)).value).toBe(expected);
  });

  test.each(['only-if-cached', 'only-if-cached, max-stale=5'])('is not sent for %s', async (header) => {
    await expect(readWith(header)).rejects.toThrow(NotCachedError);
  });

  test('is sent when the source does not answer', async () => {
    const down = () => Promise.reject(new SourceUnavailableError('profile', {}));
    expect(await readWith('max-age=60', down)).toBe(stale);
  });
});
