import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { autocompleteTerms, createTermMatcher } from '../../../../domain/search/autocomplete-terms.ts';
import { firstPoints } from '../../../../domain/search/first-points.ts';
import { matchesWordStart, searchText, wordStarts } from '../../../../domain/search/search-text.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 40 });

describe('a search text', () => {
  test.each([
    ['Nguyễn Văn Đức', 'nguyen van duc'],
    ['NGUYỄN VĂN ĐỨC', 'nguyen van duc'],
    ['Nguyễn Văn Đức', 'nguyen van duc'], // decomposed
    ['anna_smith.vn', 'anna smith vn'],
    ['@zoe', 'zoe'],
    ['  Zoë  👩‍🔬 ', 'zoe'],
    ['𝓐𝓷𝓷𝓪', 'anna'],
    ['Ａｎｎａ', 'anna'],
    ['İstanbul', 'istanbul'],
    ['IŞIK Işık', 'isik isik'],
    ['Łukasz Ørsted', 'lukasz orsted'],
    ['Weiß WEISS WEIẞ', 'weiss weiss weiss'],
    ['Ægir, Œuvre, Ǽ', 'aegir oeuvre ae'],
    ['Þór Guðmundur', 'thor gudmundur'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['οδος', 'οδοσ'],
    ['小红书', '小红书'],
    ['💋', ''],
  ])('of %s is %o', (text, expected) => {
    expect(searchText(text)).toBe(expected);
  });

  test('is the same for each way in which people type the letters of Vietnamese and ASCII', () => {
    const letters =
      'aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵfjwz0189';
    const name = fc.string({ unit: fc.constantFrom(...letters, ' '), maxLength: 30 });
    fc.assert(
      fc.property(name, (text) => {
        const expected = searchText(text);
        expect(expected).toMatch(/^[a-z0-9 ]*$/);
        for (const form of ['NFC', 'NFD'] as const)
          for (const typed of [text, text.toUpperCase(), ` ${text}.`])
            expect(searchText(typed.normalize(form))).toBe(expected);
      }),
    );
  });

  test('of a search text is itself, and has no blanks at its ends or next to each other', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = searchText(text);
        expect(searchText(once)).toBe(once);
        expect(once).toBe(once.trim().replaceAll(/ +/g, ' '));
      }),
    );
  });
});

test('a query that begins at a word matches, any other does not', () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(words, words, (name, query) => {
      const text = name.join(' ');
      const expected = name.some((_, from) => name.slice(from).join(' ').startsWith(query.join(' ')));
      expect(matchesWordStart(text, query.join(' '))).toBe(expected);
      expect(wordStarts(text, 9).some((end) => end.startsWith(query.join(' ')))).toBe(expected);
    }),
  );
});

/** Normalisation of so many marks behind one letter takes seconds. */
const manyMarks = (count: number) => `a${'\u0301\u0316'.repeat(count)}`;

test('a long text is cut before it is normalised, wherever it comes from', () => {
  const normalize = vi.spyOn(String.prototype, 'normalize');
  try {
    const text = manyMarks(100_000);
    expect(searchText(text)).toBe('a');
    expect(autocompleteTerms([{ names: [text, 'b'] }], 10)).toEqual(['b']);
    expect(createTermMatcher([text])(text)).toBe(true);
    const lengths = normalize.mock.contexts.map((given) => String(given).length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(2000);
  } finally {
    normalize.mockRestore();
  }
});

test('the first code points are those of the whole text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, count) => {
      expect(firstPoints(text, count)).toBe([...text].slice(0, count).join(''));
    }),
  );
});
