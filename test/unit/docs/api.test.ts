import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createApp } from '../../../api/app.ts';
import { problemTypes } from '../../../api/problem.ts';
import { fakeDependencies } from '../api/fake-dependencies.ts';

const docs = await readFile(fileURLToPath(new URL('../../../docs/api.md', import.meta.url)), 'utf8');
const matchesInDocs = (pattern: RegExp) => [...docs.matchAll(pattern)].map(([, match]) => match).sort();

/** The part of router 2.3 that lists routes; its types do not have it yet. */
interface RouteList {
  listRoutes(): readonly { path: string; methods?: readonly string[]; router?: RouteList }[];
}

/** Routes as `GET /api/v1/kols/:id`. Left out is HEAD, which exists for each GET. */
function routesOf(list: RouteList, base = ''): string[] {
  return list.listRoutes().flatMap(({ path, methods, router }) => {
    const fullPath = `${base}${path === '/' ? '' : path}`;
    if (router) return routesOf(router, fullPath);
    return (methods ?? [])
      .filter((method) => /^(GET|POST|PUT|PATCH|DELETE)$/.test(method))
      .map((method) => `${method} ${fullPath || '/'}`);
  });
}

test('docs/api.md lists exactly the routes of the API', () => {
  const { router } = createApp(fakeDependencies({ token: 'a-token' }));
  expect(matchesInDocs(/^### ((?:GET|POST|PUT|DELETE|PATCH) \S+)$/gm)).toEqual(
    routesOf(router as unknown as RouteList).sort(),
  );
});

test('docs/api.md lists exactly the problems of the API, with their status and title', () => {
  const inCode = Object.entries(problemTypes).map(
    ([name, { status, title }]) => `${name} ${status} ${title}`,
  );
  const inDocs = [...docs.matchAll(/^\| `([a-z-]+)`\s*\| (\d{3})\s*\| ([^|]*?)\s*\|/gm)].map(
    ([, name, status, title]) => `${name} ${status} ${title}`,
  );
  expect(inDocs.sort()).toEqual(inCode.sort());
});
