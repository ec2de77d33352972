import type { Request } from 'express';
import { z } from 'zod';
import { parseInput, type InputShape } from '../contract/parse-input.ts';
import { formatInvalidValue, type InvalidValue } from '../domain/values/invalid-value.ts';
import { ALL, isPlatform } from '../domain/values/platform.ts';
import { isId } from '../domain/values/id.ts';
import { Problem } from './problem.ts';

/** A whole number from 1 to `max`. */
export const limitParameter = (max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(max))
    .default(fallback)
    .describe(`a whole number from 1 to ${max}`);

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

/** One object for all requests, because the schema of a shape is compiled once. */
const PATH_ID = { id: idParameter };

/** The maximum number of ids in one request. */
const MAX_IDS = 100;

/** Several ids: one text is a list separated by commas; repeated parameters are one id each, so that ids can have commas. */
export const idsParameter = z
  .union([z.string().transform((text) => text.split(',')), z.array(z.string())])
  .pipe(z.array(z.string().refine(isId)).min(1).max(MAX_IDS))
  .transform((ids) => [...new Set(ids)])
  .describe(
    `1 to ${MAX_IDS} ids, separated by commas or as repeated parameters, each of 1 to 256 characters`,
  );

/**
 * The query parameters of a request.
 * @throws Problem naming every parameter that is wrong or unknown, with what was given and what is accepted
 */
export function queryOf<S extends InputShape>(shape: S, request: Request): z.infer<z.ZodObject<S>> {
  return valid(shape, request.query);
}

/** The `:id` of a path. @throws Problem when it is not a valid id */
export const idOf = (request: Request): string => valid(PATH_ID, { id: request.params['id'] }).id;

/**
 * The members of a JSON body; one that is absent is an empty object.
 * @throws Problem naming every member that is wrong or unknown, with what was given and what is accepted
 */
export function bodyOf<S extends InputShape>(shape: S, request: Request): z.infer<z.ZodObject<S>> {
  const body: unknown = request.body ?? {};
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Problem('malformed-request', 'The body is not a JSON object');
  return valid(shape, body);
}

/** The problem that names these invalid values. */
export const invalidProblem = (invalid: readonly InvalidValue[]): Problem =>
  new Problem('invalid-parameter', invalid.map(formatInvalidValue).join('; '), {
    invalid: invalid.map(({ name, given, accepted }) => ({ parameter: name, given, accepted })),
  });

function valid<S extends InputShape>(shape: S, given: unknown): z.infer<z.ZodObject<S>> {
  const parsed = parseInput(shape, given, 'parameters');
  if ('invalid' in parsed) throw invalidProblem(parsed.invalid);
  return parsed.value;
}
