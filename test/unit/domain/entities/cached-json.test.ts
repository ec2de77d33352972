import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { content } from '../../../../domain/entities/content.ts';
import { kolContent } from '../../../../domain/entities/kol-content.ts';
import { profileList } from '../../../../domain/entities/profile-list.ts';
import { profile } from '../../../../domain/entities/profile.ts';
import { score } from '../../../../domain/entities/score.ts';
import { FieldError } from '../../../../domain/schema/field.ts';
import { contentOf, profileOf, scoreAt } from '../../../support/cache-values.ts';

const lists = [
  {
    name: 'profiles',
    list: profileList,
    fields: profile.fields,
    item: { ...profileOf('zoe'), verified: true },
  },
  {
    name: 'content',
    list: kolContent,
    fields: content.fields,
    item: { ...contentOf('1', 5), engagement_rate: 0.25 },
  },
];
/** A value of another kind than any field has, or of a kind that some fields have. */
const anyJson = fc.oneof(
  fc.constantFrom<unknown>(-1, 1.5, 2 ** 60, '', [], {}, { toString: 1 }, [null], true, null, 'text', 7),
  // JSON text has no -0
  fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
);

describe.each(lists)('a cached list of $name', ({ list, fields, item }) => {
  const read = (items: unknown): unknown => list.fromString(JSON.stringify(items));

  test('is read as it was written', () => {
    const entry = list.toEntry('x', [item] as never);
    expect(list.fromString(entry.type === 'string' ? entry.value : '')).toEqual([item]);
    expect(read([])).toEqual([]);
  });

  test('is no list if a value is nested so deeply that a recursive function exhausts the stack', () => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000);
    const [name = ''] = Object.keys(fields);
    expect(() => list.fromString(`[{"${name}":${deep}}]`)).toThrow(FieldError);
  });

  test.each([['null'], ['{}'], ['7'], ['[null]'], ['[7]'], ['[[]]'], ['[{"id":1}]'], ['["a"]']])(
    'is not %s',
    (json) => {
      expect(() => list.fromString(json)).toThrow(FieldError);
    },
  );

  test.each(Object.keys(fields))('is not one whose item lacks the field %s', (field) => {
    const { [field]: _, ...others } = item as Record<string, unknown>;
    expect(() => read([item, others])).toThrow(FieldError);
  });

  test('has only values that the same row in a hash could have', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(fields)), anyJson, (field, value) => {
        const text = typeof value === 'string' ? value : JSON.stringify(value);
        const kind = fields[field as never] as (typeof fields)[keyof typeof fields];
        const isValid = () => {
          try {
            return kind.parse(value === null ? '' : text) === value;
          } catch {
            return false;
          }
        };
        const items = [{ ...item, [field]: value }];
        if (isValid()) expect(read(items)).toEqual(items);
        else expect(() => read(items)).toThrow(FieldError);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a cached score', () => {
  const written = scoreAt('zoe', 1);
  const read = (value: unknown): unknown => score.fromString(JSON.stringify(value));

  test('is read as it was written, also one of an earlier writer with fewer fields', () => {
    expect(read(written)).toEqual(written);
    expect(read({ kol_id: 'zoe', trust_score: 50 })).toEqual({ kol_id: 'zoe', trust_score: 50 });
    expect(read({ ...written, source: null, event_time_ms: null, platform: null })).toMatchObject({
      source: null,
    });
  });

  test('has no fields that are not those of a score', () => {
    expect(read({ ...written, another: 1 })).toEqual(written);
  });

  test.each([
    { trust_score: 101 },
    { trust_score: '50' },
    { trust_label: 'good' },
    { risk_level: null },
    { is_trustworthy: 1 },
    { confidence: 2 },
    { model_version: 3 },
    { timestamp: 0 },
    { event_time_ms: 'now' },
    { source: 'scraper' },
    { source: { topic: 'a', partition: '0', offset: 1 } },
    { features_from: 'nowhere' },
  ])('with %o is refused', (wrong) => {
    expect(() => read({ ...written, ...wrong })).toThrow(FieldError);
  });

  test('with a number that no double holds is refused', () => {
    expect(() => score.fromString('{"kol_id":"zoe","trust_score":1e999}')).toThrow(FieldError);
  });
});
