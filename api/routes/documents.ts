import { z } from 'zod';
import { createOpenApi, OPENAPI_PATH, openApiPath } from '../openapi.ts';
import { defineRoute, type Route } from '../route.ts';

/** These routes, and those that describe them: the index and the OpenAPI document. */
export function withDocuments(others: readonly Route[]): readonly Route[] {
  let document: object | undefined;
  const routes: readonly Route[] = [
    ...others,
    indexRoute(() => linksOf(routes)),
    openApiRoute(() => (document ??= createOpenApi(routes))),
  ];
  return routes;
}

const linksOf = (routes: readonly Route[]): Record<string, string> =>
  Object.fromEntries(
    routes.filter(({ method }) => method === 'get').map((route) => [route.name, uriTemplate(route)]),
  );

const indexRoute = (links: () => Readonly<Record<string, string>>): Route =>
  defineRoute({
    method: 'get',
    path: '/',
    name: 'index',
    summary: 'The routes, as links',
    anyQuery: true,
    answers: {
      200: {
        description: 'URI templates (RFC 6570) by name',
        schema: z.strictObject({ name: z.string(), links: z.record(z.string(), z.string()) }),
      },
    },
    handle({ response }) {
      response.json({ name: 'kol-cache', links: links() });
    },
  });

const openApiRoute = (document: () => object): Route =>
  defineRoute({
    method: 'get',
    path: OPENAPI_PATH,
    name: 'openapi',
    summary: 'This document',
    anyQuery: true,
    answers: {
      200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.literal('3.1.0') }) },
    },
    handle({ response }) {
      response.json(document());
    },
  });

/** A URI template (RFC 6570). */
function uriTemplate({ path, query }: Route): string {
  const names = Object.keys(query);
  return openApiPath(path) + (names.length === 0 ? '' : `{?${names.join(',')}}`);
}
