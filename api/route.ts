import type { Request, RequestHandler, Response } from 'express';
import { Router } from 'express';
import type { z } from 'zod';
import type { Caller } from '../cache/reading/read-controls.ts';
import { parseInput, type InputShape } from '../contract/parse-input.ts';
import { groupBy } from '../domain/values/lists.ts';
import { allowOnly, type Method } from './allow-only.ts';
import { whileWanted } from './deadline.ts';
import { jsonBody } from './json-body.ts';
import { noStore } from './no-store.ts';
import { invalidProblem, Problem, type ProblemType } from './problem.ts';
import type { ControlsOf } from './request-controls.ts';

/** An answer of a route that is not a problem. */
export interface RouteAnswer {
  readonly description: string;
  /** The JSON body; undefined for a body of another type. */
  readonly schema?: z.ZodType;
  /** Of a body that is not JSON. */
  readonly contentType?: string;
  /** Headers that only this answer has. */
  readonly headers?: z.ZodObject;
}

/** One route, as the router and the OpenAPI document use it. */
export interface Route {
  readonly method: Method;
  /** As Express writes it, such as /api/v1/kols/:id. */
  readonly path: string;
  /** Unique, in snake_case. The index links a GET route under this name. */
  readonly name: string;
  readonly summary: string;
  readonly params: InputShape;
  readonly query: InputShape;
  /** Members of a JSON body. The handler checks it. */
  readonly body?: InputShape | undefined;
  /** `with`: only requests with this query parameter need the token. */
  readonly token: 'none' | 'required' | { readonly with: string };
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  /** Problems in addition to those that every route of its kind can have. */
  readonly problems: readonly ProblemType[];
  /** Whether the request sets its own waiting time. Then it has no other deadline. */
  readonly waits: boolean;
  readonly handle: (call: RouteCall) => void | Promise<void>;
}

/** A request to a route. */
interface RouteCall {
  readonly request: Request;
  readonly response: Response;
  /** The client, for reads of the cache. */
  readonly caller: Caller;
}

interface RouteDefinition<P extends InputShape, Q extends InputShape> extends Pick<
  Route,
  'method' | 'path' | 'name' | 'summary' | 'body' | 'answers'
> {
  readonly params?: P;
  readonly query?: Q;
  /** Ignores unknown query parameters instead of refusing them. */
  readonly anyQuery?: boolean;
  /** Default: none. */
  readonly token?: Route['token'];
  readonly problems?: Route['problems'];
  /** Default: false. */
  readonly waits?: boolean;
  readonly handle: (
    call: RouteCall & {
      readonly params: z.infer<z.ZodObject<P>>;
      readonly query: z.infer<z.ZodObject<Q>>;
    },
  ) => void | Promise<void>;
}

type NoShape = Record<never, z.ZodType>;

/** Defines a route. Its handler runs when path and query are valid. */
export function defineRoute<P extends InputShape = NoShape, Q extends InputShape = NoShape>({
  params = {} as P,
  query = {} as Q,
  anyQuery = false,
  token = 'none',
  problems = [],
  waits = false,
  handle,
  ...definition
}: RouteDefinition<P, Q>): Route {
  return {
    ...definition,
    params,
    query,
    token,
    problems,
    waits,
    handle: (call) =>
      handle({
        ...call,
        params: checked(params, call.request.params),
        query: anyQuery ? ({} as z.infer<z.ZodObject<Q>>) : checked(query, call.request.query),
      }),
  };
}

/**
 * The members of a JSON body. An absent body counts as an empty object.
 * @throws Problem naming every member that is wrong or unknown, with what was given and what is accepted
 */
export function bodyOf<S extends InputShape>(shape: S, request: Request): z.infer<z.ZodObject<S>> {
  const body: unknown = request.body ?? {};
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Problem('malformed-request', 'The body is not a JSON object');
  return checked(shape, body);
}

/** @throws Problem naming every value that is wrong or unknown, with what was given and what is accepted */
function checked<S extends InputShape>(shape: S, given: unknown): z.infer<z.ZodObject<S>> {
  const parsed = parseInput(shape, given, 'parameters');
  if ('invalid' in parsed) throw invalidProblem(parsed.invalid);
  return parsed.value;
}

interface RouterOptions {
  /** Refuses a request without a valid token. */
  readonly checkToken: RequestHandler;
  readonly controlsOf: ControlsOf;
  readonly deadlineSeconds: number;
}

/** A router of these routes. If two routes match, the first one answers. A known path answers any other method with 405. */
export function createRouter(
  routes: readonly Route[],
  { checkToken, controlsOf, deadlineSeconds }: RouterOptions,
): Router {
  const router = Router({ caseSensitive: true });
  for (const { method, path, token, body, waits, handle } of routes)
    router[method](
      path,
      ...(token === 'none' ? [] : [requiredFor(token, checkToken), requiredFor(token, noStore)]),
      ...(body === undefined ? [] : [jsonBody]),
      (request, response) => {
        const controls = controlsOf(request);
        if (waits) return handle({ request, response, caller: { controls } });
        return whileWanted(response, deadlineSeconds, (client) =>
          handle({ request, response, caller: { controls, client } }),
        );
      },
    );
  // After all routes: the path of DELETE for a KOL named "top" is also that of a ranking.
  for (const [path, methods] of groupBy(routes, (route) => route.path))
    router.all(path, allowOnly(...methods.map(({ method }) => method)));
  return router;
}

/** The guard for the requests that need the token. */
const requiredFor =
  (token: Exclude<Route['token'], 'none'>, guard: RequestHandler): RequestHandler =>
  (request, response, next) =>
    token === 'required' || request.query[token.with] !== undefined ? guard(request, response, next) : next();
