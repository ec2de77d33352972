import { z } from 'zod';
import { groupBy } from '../domain/values/lists.ts';
import { shorten, type InvalidValue } from '../domain/values/invalid-value.ts';

/** The fields of an input. The description of each schema lists the accepted values; it becomes part of the error message. */
export type InputShape = Readonly<Record<string, z.ZodType>>;

/** A valid input, or all its invalid values. */
export type ParseResult<T> = { readonly value: T } | { readonly invalid: readonly InvalidValue[] };

/**
 * The object schemas by shape. Cached, because zod compiles each schema at its first use, and one workflow task can have thousands of
 * signals.
 */
const schemas = new WeakMap<InputShape, z.ZodType>();

function schemaOf<S extends InputShape>(shape: S): z.ZodObject<S> {
  const schema = schemas.get(shape) ?? z.object(shape);
  schemas.set(shape, schema);
  return schema as z.ZodObject<S>;
}

/** Limit for the reported errors; a longer list does not help the sender. */
const MAX_INVALID = 10;

/**
 * Checks an object from outside field by field. Null counts as absent, because clients in typed languages send it.
 * @param shape schemas by field name, each with a description of what it accepts
 * @param fieldWord what the sender calls a field, such as `fields` or `parameters`
 * @returns the value with defaults, or each wrong or unknown field with what was given and what is accepted
 */
export function parseInput<S extends InputShape>(
  shape: S,
  given: unknown,
  fieldWord = 'fields',
): ParseResult<z.infer<z.ZodObject<S>>> {
  const name = fieldWord === 'fields' ? 'input' : 'request';
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return {
      invalid: [
        { name, given: shorten(given), accepted: `a JSON object with ${listNames(shape, fieldWord)}` },
      ],
    };
  const entries = Object.entries(given).filter(([, value]) => value != null);
  const known = Object.fromEntries(entries.filter(([field]) => Object.hasOwn(shape, field)));
  const unknown = entries.filter(([field]) => !Object.hasOwn(shape, field));
  const result = schemaOf(shape).safeParse(known);
  if (result.success && unknown.length === 0) return { value: result.data };
  const wrong = [...groupBy(result.error?.issues ?? [], ({ path }) => String(path[0]))].map(
    ([field, issues]) => ({
      name: field,
      given: shorten(wrongPart(known[field], issues)),
      accepted: shape[field]?.description ?? '',
    }),
  );
  const others = unknown.map(([field, value]: [string, unknown]) => ({
    name: String(shorten(field)),
    given: shorten(value),
    accepted: listNames(shape, fieldWord),
  }));
  return { invalid: [...wrong, ...others].slice(0, MAX_INVALID) };
}

/**
 * Checks a value that a program sends, not a person. Fields that the schema does not know are left out, because a program of another
 * version may send more.
 * @param name what the value is
 * @param accepted what a valid value looks like
 * @returns the value, or its first wrong part
 */
export function parseMessage<T>(
  schema: z.ZodType<T>,
  given: unknown,
  { name, accepted }: Pick<InvalidValue, 'name' | 'accepted'>,
): ParseResult<T> {
  const result = schema.safeParse(given);
  if (result.success) return { value: result.data };
  const path = result.error.issues[0]?.path ?? [];
  const wrong = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], given);
  return { invalid: [{ name: [name, ...path].join('.').slice(0, 80), given: shorten(wrong), accepted }] };
}

/** The wrong items of a list, or its length when it is too long; otherwise the whole value. */
function wrongPart(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  if (!Array.isArray(value)) return value;
  if (issues.some(({ code, path }) => code === 'too_big' && path.length === 1))
    return `a list of ${value.length}`;
  const wrong = new Set(issues.flatMap(({ path }) => (typeof path[1] === 'number' ? [path[1]] : [])));
  return wrong.size === 0 ? value : value.filter((_, index) => wrong.has(index));
}

function listNames(shape: InputShape, fieldWord: string): string {
  const names = Object.keys(shape);
  return names.length === 0 ? `no ${fieldWord}` : `only the ${fieldWord} ${names.join(', ')}`;
}

/** A number of things, a position or an index. */
export const count = z.int().min(0);
/** A time that a `Date` can hold. */
export const timeMs = z.number().min(-8.64e15).max(8.64e15);
