import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHotIds, parseHotIds } from '../../../../domain/entities/hot-ids.ts';

test('the text of hot ids contains all of them, and hardly any other', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 20, maxLength: 200 }), (ids) => {
      const isHot = parseHotIds(formatHotIds(ids));
      expect(ids.filter((id) => !isHot(id))).toEqual([]);
      const others = Array.from({ length: 100 }, (_, index) => `another ${index}`);
      expect(others.filter(isHot).length).toBeLessThan(3);
    }),
  );
});

test.each([null, '', 'text', 'bloom-1-1 AAAA', formatHotIds([]).split(' ')[0] ?? ''])(
  'no id is hot by the text %j',
  (text) => {
    expect(['', 'a', 'kol-1'].filter(parseHotIds(text))).toEqual([]);
  },
);
