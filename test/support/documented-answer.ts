import { expect } from 'vitest';
import { problemsOf } from '../../api/openapi.ts';
import { problemTypes, problemUrn } from '../../api/problem.ts';
import type { Route } from '../../api/route.ts';
import { SOURCE_VERSION } from '../../api/source-version.ts';

/** A response of the API with its body. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; {} when it is empty. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** The routes whose path matches, the one that answers first. */
const routesAt = (routes: readonly Route[], path: string): Route[] => {
  const { pathname } = new URL(path, 'http://api');
  return routes.filter((route) =>
    new RegExp(`^${route.path.replaceAll(/:\w+/g, '[^/]+').replaceAll('.', '\\.')}/?$`).test(pathname),
  );
};

/** Checks that the OpenAPI document of these routes has the status of an answer, and that the body matches its schema. */
export function expectDocumented(
  routes: readonly Route[],
  method: string,
  path: string,
  { status, json, text, headers }: Answer,
): void {
  const route = routesAt(routes, path).find((each) => each.method === method.toLowerCase());
  if (route === undefined) {
    expect([404, 405], `${method} ${path} is not documented`).toContain(status);
    return;
  }
  const call = `${method} ${route.path} answered ${status}`;
  if (status === 304) return;
  const { type } = json;
  if (typeof type === 'string' && type.startsWith('urn:kol-cache:problem:')) {
    const documented = problemsOf(route).map((type) => `${problemTypes[type].status} ${problemUrn(type)}`);
    expect(documented, `${call}: ${text}`).toContain(`${status} ${type}`);
    return;
  }
  const answer = route.answers[status];
  if (answer === undefined) expect.unreachable(`${call}, which is not documented`);
  if (headers.has(SOURCE_VERSION))
    expect(Object.keys(answer?.headers?.shape ?? {}), call).toContain(SOURCE_VERSION);
  const parsed = answer?.schema?.safeParse(json);
  expect(
    parsed?.error?.issues ?? [],
    `${call}, which is not as its schema says: ${text.slice(0, 500)}`,
  ).toEqual([]);
}
