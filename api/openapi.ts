import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { groupBy } from '../domain/values/lists.ts';
import { problemTypes, problemUrn, type ProblemType } from './problem.ts';
import type { Route, RouteAnswer } from './route.ts';

export const OPENAPI_PATH = '/api/v1/openapi.json';

const problemSchema = z
  .strictObject({
    type: z
      .enum(Object.keys(problemTypes).map((name) => problemUrn(name as ProblemType)))
      .meta({ description: 'the name of the problem after the last colon' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string().meta({ description: 'has the request id' }),
    invalid: z
      .array(z.strictObject({ parameter: z.string(), given: z.unknown().optional(), accepted: z.string() }))
      .optional()
      .meta({ description: 'every parameter or member of the body that is wrong' }),
  })
  .meta({ id: 'Problem' });

/** The OpenAPI document of these routes. */
export function createOpenApi(routes: readonly Route[]) {
  const paths: ZodOpenApiPathsObject = {};
  for (const [path, operations] of groupBy(routes, ({ path }) => openApiPath(path)))
    paths[path] = Object.fromEntries(operations.map((route) => [route.method, operationOf(route)]));
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'KOL cache',
      version: '1',
      description: 'KOL profiles, rankings, trust scores, content, statistics and search.',
    },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'API_TOKEN' } },
    },
  });
}

/** `/kols/:id` as OpenAPI writes it: `/kols/{id}`. */
export const openApiPath = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

/** The problems that a route can answer with: its own, and those of every route of its kind. */
export const problemsOf = ({ path, token, body, waits, problems }: Route): ProblemType[] => [
  ...new Set<ProblemType>([
    'invalid-parameter',
    'malformed-request',
    ...(token === 'none' ? [] : (['unauthorized', 'triggers-off'] as const)),
    ...(body === undefined ? [] : (['body-too-large', 'unsupported-media-type'] as const)),
    ...(path.startsWith('/api/') ? (['too-many-requests'] as const) : []),
    ...(waits ? [] : (['deadline-exceeded'] as const)),
    ...(readsThrough(problems) ? (['not-cached', 'read-through-off'] as const) : []),
    'internal-error',
    ...problems,
  ]),
];

/** Whether a route reads uncached values from the lakehouse. */
const readsThrough = (problems: readonly ProblemType[]): boolean =>
  problems.includes('lakehouse-unavailable');

const cacheControlHeader = z
  .string()
  .optional()
  .meta({
    description:
      'what the client demands of a cached answer: max-age, min-fresh, max-stale, no-cache, only-if-cached',
    param: { id: 'cacheControl' },
  });

function operationOf(route: Route): ZodOpenApiOperationObject {
  const { name, summary, params, query, body, token } = route;
  return {
    operationId: name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    requestParams: {
      path: z.object(params),
      query: z.object(query),
      ...(readsThrough(route.problems) ? { header: z.object({ 'Cache-Control': cacheControlHeader }) } : {}),
    },
    ...(body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: z.strictObject(body) } } } }),
    ...(token === 'none' ? {} : { security: [{ token: [] }, ...(token === 'required' ? [] : [{}])] }),
    responses: responsesOf(route),
  };
}

function responsesOf(route: Route): ZodOpenApiResponsesObject {
  const problems = groupBy(problemsOf(route), (type): number => problemTypes[type].status);
  const statuses = new Set([...Object.keys(route.answers).map(Number), ...problems.keys()]);
  const responses = [...statuses].map(
    (status) => [String(status), responseOf(route.answers[status], problems.get(status) ?? [])] as const,
  );
  return {
    ...Object.fromEntries(responses),
    // Every answer of a GET has an ETag.
    ...(route.method === 'get' ? { '304': { description: 'The client has this version' } } : {}),
  };
}

function responseOf(answer: RouteAnswer | undefined, problems: readonly ProblemType[]) {
  const titles = problems.map((type) => problemTypes[type].title);
  const description = [...(answer === undefined ? [] : [answer.description]), ...titles].join('; or: ');
  return {
    description,
    ...(answer?.headers === undefined ? {} : { headers: answer.headers }),
    content: {
      ...(answer === undefined
        ? {}
        : { [answer.contentType ?? 'application/json']: { schema: answer.schema ?? z.string() } }),
      ...(problems.length === 0 ? {} : { 'application/problem+json': { schema: problemSchema } }),
    },
  };
}
