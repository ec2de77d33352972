import { describe, expect, test } from 'vitest';
import { MAX_SCOPE_CHARACTERS, MAX_SCOPE_IDS, mergeScopes } from '../../../../domain/warming/warm-scope.ts';

describe('merging scopes', () => {
  test('scopes of ids merge into all ids, without duplicates', () => {
    expect(mergeScopes([{ ids: ['1', '2'] }, { ids: ['2', '3'] }])).toEqual({ ids: ['1', '2', '3'] });
  });

  test('scopes of platforms merge into all platforms, without duplicates', () => {
    expect(mergeScopes([{ platforms: ['tiktok'] }, { platforms: ['twitter', 'tiktok'] }])).toEqual({
      platforms: ['tiktok', 'twitter'],
    });
  });

  test.each([
    ['one scope is the whole part', [{ ids: ['1'] }, undefined]],
    ['one has ids and another has platforms', [{ ids: ['1'] }, { platforms: ['tiktok'] }]],
    [
      'there are too many ids for one scope',
      [{ ids: Array.from({ length: MAX_SCOPE_IDS }, (_, id) => String(id)) }, { ids: ['one more'] }],
    ],
    ['the ids are too long for one scope', [{ ids: ['x'.repeat(MAX_SCOPE_CHARACTERS)] }, { ids: ['y'] }]],
  ])('scopes merge into the whole part when %s', (_, scopes) => {
    expect(mergeScopes(scopes)).toBeUndefined();
  });
});
