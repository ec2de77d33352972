import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseInput } from '../../../contract/parse-input.ts';

const shape = {
  name: z.string().min(1).describe('text'),
  tags: z
    .array(z.enum(['a', 'b']))
    .max(3)
    .optional()
    .describe('a list of a, b'),
  count: z.int().default(1).describe('a whole number'),
};
const invalidFields = (given: unknown) => {
  const parsed = parseInput(shape, given);
  return 'invalid' in parsed ? parsed.invalid : [];
};

describe('parseInput', () => {
  test('returns a valid input with its defaults', () => {
    expect(parseInput(shape, { name: 'x' })).toEqual({ value: { name: 'x', count: 1 } });
    const full = { name: 'x', tags: ['a', 'b'], count: 2 };
    expect(parseInput(shape, full)).toEqual({ value: full });
  });

  test('takes null as absent, also in fields that do not exist', () => {
    expect(parseInput(shape, { name: 'x', tags: null, count: null, other: null })).toEqual({
      value: { name: 'x', count: 1 },
    });
  });

  test('names every invalid field, what was given and what is accepted', () => {
    expect(invalidFields({ name: 7, tags: 'a', count: 1.5 })).toEqual([
      { name: 'name', given: 7, accepted: 'text' },
      { name: 'tags', given: 'a', accepted: 'a list of a, b' },
      { name: 'count', given: 1.5, accepted: 'a whole number' },
    ]);
    expect(invalidFields({})).toEqual([{ name: 'name', given: undefined, accepted: 'text' }]);
  });

  test('names unknown fields, also those that every object inherits', () => {
    const given = JSON.parse('{"name": "x", "nmae": 1, "__proto__": 2, "constructor": 3}') as unknown;
    const accepted = 'only the fields name, tags, count';
    expect(invalidFields(given)).toEqual([
      { name: 'nmae', given: 1, accepted },
      { name: '__proto__', given: 2, accepted },
      { name: 'constructor', given: 3, accepted },
    ]);
  });

  test.each([['text'], [7], [null], [undefined], [[]]])('refuses %j, which is not an object', (given) => {
    expect(invalidFields(given)).toEqual([
      { name: 'input', given, accepted: 'a JSON object with only the fields name, tags, count' },
    ]);
  });

  test('calls the fields as the sender does', () => {
    const parsed = (parameters: typeof shape | object) =>
      parseInput(parameters as never, { x: 1 }, 'parameters');
    expect(parsed(shape)).toMatchObject({
      invalid: [{ name: 'name' }, { name: 'x', accepted: 'only the parameters name, tags, count' }],
    });
    expect(parsed({})).toMatchObject({ invalid: [{ name: 'x', accepted: 'no parameters' }] });
    expect(parseInput(shape, 7, 'parameters')).toMatchObject({ invalid: [{ name: 'request' }] });
  });

  test('shows only the invalid items of a list', () => {
    expect(invalidFields({ name: 'x', tags: ['a', 'z', 'b'] })).toMatchObject([
      { name: 'tags', given: ['z'] },
    ]);
  });

  test('shows the length of a list that is too long', () => {
    expect(invalidFields({ name: 'x', tags: ['a', 'a', 'a', 'a'] })).toMatchObject([
      { name: 'tags', given: 'a list of 4' },
    ]);
  });

  test('shortens long names and values', () => {
    const long = 'x'.repeat(1000);
    expect(JSON.stringify(invalidFields({ name: [long], [long]: { long } })).length).toBeLessThan(400);
  });

  test.each([
    ['lists', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['objects', '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)],
  ])('shows three levels of deeply nested %s', (_, json) => {
    const deep = JSON.parse(json) as unknown;
    const given = Array.isArray(deep) ? [[['…']]] : { a: { a: { a: '…' } } };
    expect(invalidFields({ name: deep, other: deep })).toMatchObject([
      { name: 'name', given },
      { name: 'other', given },
    ]);
  });

  test('returns at most 10 problems', () => {
    const given = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`field-${index}`, 1]));
    expect(invalidFields(given)).toHaveLength(10);
  });

  test('never throws, and what it returns is valid', () => {
    const field = fc.constantFrom('name', 'tags', 'count', '__proto__', 'constructor', 'other');
    const given = fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue()));
    fc.assert(
      fc.property(given, (input) => {
        const parsed = parseInput(shape, input);
        if ('invalid' in parsed) expect(parsed.invalid).not.toEqual([]);
        else expect(parseInput(shape, parsed.value)).toEqual(parsed);
      }),
    );
  });
});
