import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseWarmCacheInput } from '../../../contract/warm-cache.ts';
import { warmParts } from '../../../domain/warming/warm-parts.ts';
import { MAX_SCOPE_IDS } from '../../../domain/warming/warm-scope.ts';

const FULL_WARM = {
  parts: warmParts,
  scopes: {},
  dryRun: false,
  allProfiles: false,
  force: false,
  allowShrink: false,
  trigger: 'manual',
  requestedBy: 'unknown',
};
const invalidFields = (given: unknown) => {
  const parsed = parseWarmCacheInput(given);
  return 'invalid' in parsed ? parsed.invalid : [];
};

describe('parseWarmCacheInput', () => {
  test.each([[undefined], [null], [{}]])('reads %j as a full warm', (given) => {
    expect(parseWarmCacheInput(given)).toEqual({ value: FULL_WARM });
  });

  test('keeps everything that is given', () => {
    const options = { dryRun: true, allProfiles: true, force: true, allowShrink: true };
    const given = { ...options, parts: ['stats'], trigger: 'etl', requestedBy: 'nightly' };
    expect(parseWarmCacheInput(given)).toEqual({ value: { ...given, scopes: {} } });
  });

  test('lists each part once, in the order of a warm', () => {
    expect(parseWarmCacheInput({ parts: ['lists', 'profiles', 'lists'] })).toMatchObject({
      value: { parts: ['profiles', 'lists'] },
    });
  });

  test('warms only the parts that have a scope when no parts are given', () => {
    const scopes = { trending: { ids: ['v'] }, profiles: { platforms: ['tiktok'] } };
    expect(parseWarmCacheInput({ scopes })).toMatchObject({
      value: { parts: ['profiles', 'trending'], scopes },
    });
  });

  test('refuses scopes of parts that are not warmed', () => {
    expect(
      invalidFields({ parts: ['stats'], scopes: { stats: scopeOf('tiktok'), lists: scopeOf('tiktok') } }),
    ).toEqual([
      { name: 'scopes', given: ['lists'], accepted: 'only parts that are warmed, as listed in parts' },
    ]);
  });

  test.each(['profiles', 'trending'])('accepts ids for %s, which has one key per id', (part) => {
    expect(invalidFields({ scopes: { [part]: { ids: ['1'] } } })).toEqual([]);
  });

  test.each(['rankings', 'stats', 'search', 'lists'])('refuses ids for %s', (part) => {
    expect(invalidFields({ scopes: { [part]: { ids: ['1'] } } })).toMatchObject([{ name: 'scopes' }]);
  });

  test.each([
    [{ platforms: [] }],
    [{ platforms: ['TikTok'] }],
    [{ platforms: Array.from({ length: 101 }, (_, index) => `p-${index}`) }],
    [{ ids: [] }],
    [{ ids: [7] }],
    [{ ids: ['a\u0000'] }],
    [{ ids: Array.from({ length: MAX_SCOPE_IDS + 1 }, String) }],
    [{ platforms: ['tiktok'], ids: ['1'] }],
    [{}],
    ['tiktok'],
  ])('refuses the scope %j', (scope) => {
    expect(invalidFields({ scopes: { profiles: scope } })).toMatchObject([{ name: 'scopes' }]);
  });

  test.each([
    ['parts', 'stats'],
    ['parts', []],
    ['parts', ['everything']],
    ['scopes', { everything: { ids: ['1'] } }],
    ['scopes', ['profiles']],
    ['dryRun', 'yes'],
    ['force', 1],
    ['trigger', 'cron'],
    ['requestedBy', 7],
    ['dry_run', true],
  ])('refuses %s = %j', (name, value) => {
    expect(invalidFields({ [name]: value })).toMatchObject([{ name }]);
  });

  test('keeps the first 100 characters of requestedBy', () => {
    expect(parseWarmCacheInput({ requestedBy: 'x'.repeat(300) })).toMatchObject({
      value: { requestedBy: 'x'.repeat(100) },
    });
  });

  test('never throws, and what it returns is valid', () => {
    const scopes = fc.dictionary(fc.constantFrom(...warmParts, '__proto__', 'x'), scopeLike);
    const given = fc.oneof(
      fc.jsonValue(),
      fc.record({ parts: fc.oneof(fc.jsonValue(), fc.subarray([...warmParts])), scopes }),
    );
    fc.assert(
      fc.property(given, (input) => {
        const parsed = parseWarmCacheInput(input);
        if ('invalid' in parsed) expect(parsed.invalid).not.toEqual([]);
        else expect(parseWarmCacheInput(parsed.value)).toEqual(parsed);
      }),
    );
  });
});

const scopeOf = (...platforms: string[]) => ({ platforms });

/** Scopes that are often valid, and any JSON. */
const scopeLike = fc.oneof(
  fc.jsonValue(),
  fc.record({ ids: fc.array(fc.string(), { maxLength: 3 }) }),
  fc.record({ platforms: fc.subarray(['tiktok', 'twitter', 'NO']) }),
);
