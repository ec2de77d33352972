import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildSearchIndex,
  byFollowers,
  MAX_LISTED,
  MAX_SCANNED,
  type NamedKol,
} from '../../../../domain/search/build-index.ts';
import { parseMember, rangesOf } from '../../../../domain/search/index-member.ts';
import { matchesWordStart, searchText } from '../../../../domain/search/search-text.ts';

const kolOf = (kol_id: string, name: string, followers = 1): NamedKol => ({
  kol_id,
  names: [name],
  followers_count: followers,
});

/** What ZRANGEBYLEX does: bytes of UTF-8 between two bounds, `[` with the bound and `(` without. */
function range(members: readonly string[], [min, max]: readonly [string, string]): string[] {
  const bytes = (text: string) => Buffer.from(text);
  return members
    .filter((member) => {
      const from = Buffer.compare(bytes(member), bytes(min.slice(1)));
      const to = Buffer.compare(bytes(member), bytes(max.slice(1)));
      return (min.startsWith('[') ? from >= 0 : from > 0) && (max.startsWith('[') ? to <= 0 : to < 0);
    })
    .sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
}

const idsOf = (members: readonly string[]) => members.map((member) => parseMember(member)?.kol_id);

describe('the index', () => {
  test('finds a KOL by the beginning of each word of a name, for any characters in the name', () => {
    const name = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(name, fc.nat({ max: 5 }), fc.integer({ min: 1, max: 60 }), (text, word, length) => {
        const members = buildSearchIndex([kolOf('zoe', text)], 100);
        for (const member of members) {
          expect(parseMember(member)).toMatchObject({ kol_id: 'zoe', followers_count: 1 });
          expect(Buffer.from(member).toString()).toBe(member); // is UTF-8
        }
        const query = [...searchText(text).split(' ').slice(word).join(' ')].slice(0, length).join('').trim();
        if (query === '') return;
        const found = range(members, rangesOf(query).all);
        expect(found.length).toBeGreaterThan(0);
        for (const member of found)
          expect(matchesWordStart(searchText(parseMember(member)?.name ?? ''), query)).toBe(true);
      }),
    );
  });

  test('reads a member as it was written', () => {
    const [member = ''] = buildSearchIndex([kolOf('id:1', 'Zoë\0\nLê', 11_300)], 100);
    expect(parseMember(member)).toEqual({ kol_id: 'id:1', name: 'Zoë Lê', followers_count: 11_300 });
    expect(parseMember('not one of ours')).toBeNull();
  });

  test('has no KOL whose id cannot be in a member', () => {
    expect(buildSearchIndex([kolOf('a\0b', 'Zoe')], 100)).toEqual([]);
  });

  test('has each name once, and shows the first of two that are the same', () => {
    const members = buildSearchIndex([{ kol_id: 'zoe', names: ['Zoë', 'zoe'], followers_count: null }], 100);
    expect(members.map(parseMember)).toEqual([{ kol_id: 'zoe', name: 'Zoë', followers_count: null }]);
  });

  test('keeps the KOLs with the most followers when there are too many', () => {
    const kols = Array.from({ length: 50 }, (_, index) => kolOf(`kol-${index}`, `name ${index}`));
    expect(new Set(idsOf(buildSearchIndex(kols, 20)))).toEqual(
      new Set(idsOf(buildSearchIndex(kols.slice(0, 10), 20))),
    );
  });

  test('lists the most followed KOLs of a text that too many names begin with, and of no other', () => {
    const kols = [
      ...Array.from({ length: MAX_SCANNED + 1 }, (_, index) =>
        kolOf(`a-${index}`, `anna${index}`, 10_000 - index),
      ),
      ...Array.from({ length: MAX_SCANNED }, (_, index) => kolOf(`b-${index}`, `bob${index}`, 100)),
    ];
    const members = buildSearchIndex(kols, 10_000);
    for (const query of ['a', 'an', 'anna'])
      expect(idsOf(range(members, rangesOf(query).crowded)).sort()).toEqual(
        kols
          .slice(0, MAX_LISTED)
          .map(({ kol_id }) => kol_id)
          .sort(),
      );
    for (const query of ['anna1', 'b', 'bob', 'x'])
      expect(range(members, rangesOf(query).crowded)).toEqual([]);
    expect(range(members, rangesOf('bob').all)).toHaveLength(MAX_SCANNED);
  });
});

test('sorts KOLs by descending followers, unknown ones last, ties by descending id', () => {
  const kols = [kolOf('a', '', 1), kolOf('c', '', 0), kolOf('b', '', 1), kolOf('d', '', 2)];
  const unknown = { ...kolOf('e', ''), followers_count: null };
  expect([unknown, ...kols].sort(byFollowers).map(({ kol_id }) => kol_id)).toEqual(['d', 'b', 'a', 'c', 'e']);
});
