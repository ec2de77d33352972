import type { Request } from 'express';
import { z } from 'zod';
import { ALL, isPlatform } from '../domain/platform.ts';
import { isId } from '../domain/scoring/event.ts';
import { Problem, type InvalidParameter } from './problem.ts';

/** Parameters of a route; the description of each says what is accepted. */
type Shape = Readonly<Record<string, z.ZodType>>;

/** Characters of a wrong parameter that are sent back. */
const MOST_ECHOED = 80;

/** A whole number from 1 to `most`. */
export const limitParameter = (most: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(most))
    .default(fallback)
    .describe(`a whole number from 1 to ${most}`);

export const platformParameter = z
  .string()
  .refine(isPlatform)
  .default(ALL)
  .describe('a platform such as tiktok, twitter or youtube (a-z, 0-9, _ and -, at most 32), or all');

type Choices = readonly [string, ...string[]];

export const choiceParameter = <const C extends Choices>(choices: C, fallback: C[number]) =>
  z.enum(choices).default(fallback).describe(choices.join(' or '));

export const optionalChoice = <const C extends Choices>(choices: C) =>
  z.enum(choices).optional().describe(choices.join(' or '));

const idParameter = z
  .string()
  .refine(isId)
  .describe('an id of 1 to 256 characters without control characters, percent-encoded');

/**
 * The query parameters of a request.
 * @throws Problem naming every parameter that is wrong or unknown, with what was given and what is accepted
 */
export function queryOf<S extends Shape>(shape: S, request: Request): z.infer<z.ZodObject<S>> {
  return parsed(shape, request.query);
}

/** The `:id` of a path. @throws Problem when it is none */
export const idOf = (request: Request): string =>
  parsed({ id: idParameter }, { id: request.params['id'] }).id;

function parsed<S extends Shape>(
  shape: S,
  given: Readonly<Record<string, unknown>>,
): z.infer<z.ZodObject<S>> {
  const result = z.strictObject(shape).safeParse(given);
  if (result.success) return result.data;
  const names = new Set(
    result.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys : [String(issue.path[0])],
    ),
  );
  const invalid = [...names].map((name) => invalidParameter(shape, name, given[name]));
  throw new Problem('invalid-parameter', invalid.map(sentence).join('; '), { invalid });
}

function invalidParameter(shape: Shape, name: string, given: unknown): InvalidParameter {
  const described = Object.hasOwn(shape, name) ? shape[name]?.description : undefined;
  const accepted = described ?? `only ${listed(Object.keys(shape))}`;
  return { parameter: name.slice(0, MOST_ECHOED), given: shortened(given), accepted };
}

const listed = (names: readonly string[]) =>
  names.length === 0 ? 'a request without parameters' : `the parameters ${names.join(', ')}`;

/** What was given, short enough to be sent back. */
const shortened = (given: unknown): unknown => {
  if (Array.isArray(given)) return given.slice(0, 3).map(shortened);
  return typeof given === 'string' ? given.slice(0, MOST_ECHOED) : given;
};

const sentence = ({ parameter, given, accepted }: InvalidParameter) =>
  `${parameter} = ${JSON.stringify(given)} is not valid: accepted is ${accepted}`;
