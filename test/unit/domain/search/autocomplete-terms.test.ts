import fc from 'fast-check';
import { expect, test } from 'vitest';
import { autocompleteTerms, createTermMatcher } from '../../../../domain/search/autocomplete-terms.ts';
import { buildSearchIndex } from '../../../../domain/search/build-index.ts';
import { parseMember } from '../../../../domain/search/index-member.ts';

const kol = (...names: string[]) => ({ names });

test('terms are the distinct names in lower case, in the order of the KOLs', () => {
  const kols = [kol('Anna Nguyễn', 'ANNA'), kol(' anna '), kol('', '  '), kol('Zoë')];
  expect(autocompleteTerms(kols, 10)).toEqual(['anna nguyễn', 'anna', 'zoë']);
});

test('a name of more than 200 characters is no term; a character may take two code units', () => {
  const [longest, longer] = [`a${'😀'.repeat(199)}`, `a${'😀'.repeat(200)}`];
  expect(autocompleteTerms([kol(longest, longer)], 10)).toEqual([longest]);
});

test('a name without a letter or a digit is not a term: it cannot be searched, and no index has its KOL', () => {
  expect(autocompleteTerms([kol('✨🌸', '!', 'zoe ✨')], 10)).toEqual(['zoe ✨']);
});

test('a lower limit gives the first terms of a higher one', () => {
  const names = fc.array(fc.array(fc.string(), { maxLength: 3 }), { maxLength: 20 });
  fc.assert(
    fc.property(names, fc.nat(30), (lists, limit) => {
      const kols = lists.map((list) => kol(...list));
      expect(autocompleteTerms(kols, limit)).toEqual(autocompleteTerms(kols, 1000).slice(0, limit));
    }),
  );
});

/** The terms of a KOL that are recognised from its entries in the search index. */
function recognised(names: readonly string[]): string[] {
  const index = buildSearchIndex([{ kol_id: 'zoe', names, followers_count: 7 }], 100);
  const isTermOf = createTermMatcher(index.flatMap((member) => parseMember(member)?.name ?? []));
  return autocompleteTerms([{ names }], 100).filter(isTermOf);
}

test.each([
  ['of the same words as another', ['Anna Smith', 'anna_smith', 'ÁNNA.SMITH!']],
  ['that is the end of another', ['Anna Maria Smith', 'smith']],
  ['of 101 to 200 characters', [`anna ${'smith'.repeat(30)}`, `   ${'b'.repeat(102)} `]],
])('a name %s is recognised', (_, names) => {
  expect(recognised(names)).toEqual(autocompleteTerms([{ names }], 100));
});

test('each term is recognised, for any other names of the KOL', () => {
  const word = fc.constantFrom('Anna', 'smith', 'Zoë', 'i', 'đ', 'Σς', '\0', '😀', 'x'.repeat(99));
  const name = fc.oneof(
    fc.array(word, { maxLength: 8 }).map((words) => words.join(' ')),
    fc.string({ unit: 'binary', maxLength: 220 }),
  );
  fc.assert(
    fc.property(fc.array(name, { maxLength: 3 }), (names) => {
      expect(recognised(names)).toEqual(autocompleteTerms([{ names }], 100));
    }),
  );
});

test('a name of other words is not recognised', () => {
  const isTermOf = createTermMatcher(['Anna Smith']);
  expect(['anna', 'anna smit', 'anna smithson', 'bob', '!'].filter(isTermOf)).toEqual([]);
});
