import { z } from 'zod';
import { ALL, isId, MAX_ID_LENGTH, PLATFORM_NAME } from '../domain/values/text-ids.ts';
import { searchText } from '../domain/search/search-text.ts';
import { isoTimeMs } from '../domain/values/iso-time.ts';
import { parseCursor, type ListCursor } from '../domain/values/list-cursor.ts';

/** The JSON schema of a URL text in the OpenAPI document. The schema that zod generates would show how the text is parsed. */
const documentedAs = (schema: Readonly<Record<string, unknown>>) => ({
  override: ({ jsonSchema }: { jsonSchema: object }) => {
    for (const name of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[name];
    Object.assign(jsonSchema, schema);
  },
});

/** A whole number from `min` to `max`. */
export function wholeNumberParameter(min: number, max: number, fallback: number, unit = '') {
  const description = `a whole number ${unit}from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .default(fallback)
    .meta({
      description,
      ...documentedAs({ type: 'integer', minimum: min, maximum: max, default: fallback, description }),
    });
}

/** A whole number from 1 to `max`. */
export const limitParameter = (max: number, fallback: number) => wholeNumberParameter(1, max, fallback);

export const platformParameter = z
  .string()
  .regex(PLATFORM_NAME)
  .default(ALL)
  .describe('a platform such as tiktok, twitter or youtube (a-z, 0-9, _ and -, at most 32), or all');

type Choices = readonly [string, ...string[]];

export const choiceParameter = <const C extends Choices>(choices: C, fallback: C[number]) =>
  z.enum(choices).default(fallback).describe(choices.join(' or '));

export const optionalChoice = <const C extends Choices>(choices: C) =>
  z.enum(choices).optional().describe(choices.join(' or '));

/** Without control characters. */
const ID_SCHEMA = {
  type: 'string',
  minLength: 1,
  maxLength: MAX_ID_LENGTH,
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
};

export const idParameter = z
  .string()
  .refine(isId)
  .meta({
    description: 'an id of 1 to 256 characters without control characters, percent-encoded',
    ...documentedAs(ID_SCHEMA),
  });

/** The maximum number of ids in one request. */
const MAX_IDS = 100;

/** Several ids. One parameter is a list separated by commas. Repeated parameters are one id each, for ids that contain commas. */
const ids = z
  .union([z.string().transform((text) => text.split(',')), z.array(z.string())])
  .pipe(z.array(z.string().refine(isId)).min(1).max(MAX_IDS))
  .transform((list) => [...new Set(list)]);
const idsMeta = {
  description: `1 to ${MAX_IDS} ids, separated by commas or as repeated parameters, each of 1 to 256 characters`,
  ...documentedAs({ type: 'array', items: ID_SCHEMA, minItems: 1, maxItems: MAX_IDS }),
};
export const idsParameter = ids.meta(idsMeta);
export const optionalIdsParameter = ids.optional().meta(idsMeta);

/** The cursor of a page in a list. */
export const cursorParameter = z
  .string()
  .transform(parseCursor)
  .pipe(z.custom<ListCursor>((cursor) => cursor !== null))
  .optional()
  .meta({
    description: 'the `next` of the page before',
    ...documentedAs({ type: 'string', pattern: '^[0-9a-f]{16}-[1-9][0-9]{0,8}$' }),
  });

const DAY = /^(19[7-9]\d|[2-9]\d{3})-\d\d-\d\d$/;

/** A day of the calendar, from 1970 on. */
export const dateParameter = z
  .string()
  .regex(DAY)
  .refine((text) => !Number.isNaN(isoTimeMs(text)))
  .meta({
    description: 'a day of the calendar as yyyy-mm-dd, from 1970 on',
    ...documentedAs({ type: 'string', format: 'date', pattern: DAY.source }),
  });

/** Some of these names, separated by commas or as repeated parameters; all of them if the parameter is absent. */
export const fieldsParameter = <const Name extends string>(names: readonly Name[]) =>
  z
    .union([z.string().transform((text) => text.split(',')), z.array(z.string())])
    .pipe(z.array(z.enum(names)).min(1).max(names.length))
    .optional()
    .meta({
      description: `names separated by commas, of ${names.join(', ')}`,
      ...documentedAs({
        type: 'array',
        items: { type: 'string', enum: names },
        minItems: 1,
        maxItems: names.length,
      }),
    });

/** Characters of a search. */
const MAX_SEARCH = 200;

/** The text of a search. */
export const searchParameter = z
  .string()
  .max(MAX_SEARCH)
  .refine((text) => searchText(text) !== '')
  .meta({
    description: `text of at most ${MAX_SEARCH} characters with at least one letter or digit`,
    ...documentedAs({ type: 'string', minLength: 1, maxLength: MAX_SEARCH }),
  });

/** The user whose searches are kept. */
export const optionalUserParameter = z
  .string()
  .refine(isId)
  .optional()
  .meta({
    description:
      'the id of a user, of 1 to 256 characters: the search is kept for this user. Needs the token',
    ...documentedAs(ID_SCHEMA),
  });
