import fc from 'fast-check';
import { expect, test } from 'vitest';
import { autocompleteTerms } from '../../../../domain/search/autocomplete-terms.ts';

const kol = (...names: string[]) => ({ names });

test('terms are the distinct names in lower case, in the order of the KOLs', () => {
  const kols = [kol('Anna Nguyễn', 'ANNA'), kol(' anna '), kol('', '  '), kol('Zoë')];
  expect(autocompleteTerms(kols, 10)).toEqual(['anna nguyễn', 'anna', 'zoë']);
});

test('a name of more than 200 characters is no term; a character may take two code units', () => {
  const [longest, longer] = ['😀'.repeat(200), '😀'.repeat(201)];
  expect(autocompleteTerms([kol(longest, longer)], 10)).toEqual([longest]);
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
