import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Express } from 'express';
import { expect, test } from 'vitest';
import { createApp } from '../../../api/app.ts';
import { problemTypes } from '../../../api/problem.ts';
import { createLogger } from '../../../clients/logger.ts';

const docs = await readFile(fileURLToPath(new URL('../../../docs/api.md', import.meta.url)), 'utf8');
const inDocs = (pattern: RegExp) => [...docs.matchAll(pattern)].map(([, found]) => found).sort();

/** What router 2.3 tells of itself; its types do not know it yet. */
interface Listing {
  listRoutes(): readonly { path: string; methods?: readonly string[]; router?: Listing }[];
}

/** `GET /api/v1/kols/:id` and so on; HEAD comes with each GET. */
function routesOf(listing: Listing, base = ''): string[] {
  return listing.listRoutes().flatMap(({ path, methods, router }) => {
    const whole = `${base}${path === '/' ? '' : path}`;
    if (router) return routesOf(router, whole);
    return (methods ?? []).filter((method) => method !== 'HEAD').map((method) => `${method} ${whole || '/'}`);
  });
}

test('docs/api.md has exactly the routes of the API', () => {
  // Listing routes calls none: nothing is read.
  const nothing = () => Promise.reject(new Error('not called'));
  const reader = {
    profile: nothing,
    content: nothing,
    score: nothing,
    ranking: nothing,
    trending: nothing,
    platformStats: nothing,
    cachedProfiles: nothing,
  };
  const app: Express = createApp({
    reader,
    readiness: nothing,
    log: createLogger('api', 'silent'),
    rankingLimits: [100],
    triggers: { etlLoad: nothing, etlLoads: nothing, startWarm: nothing, warm: nothing },
    token: 'not asked for here',
  });
  expect(inDocs(/^### ((?:GET|POST|PUT|DELETE|PATCH) \S+)$/gm)).toEqual(
    routesOf(app.router as unknown as Listing).sort(),
  );
});

test('docs/api.md has exactly the problems of the API, with their status', () => {
  const expected = Object.entries(problemTypes).map(([name, { status }]) => `${name} ${status}`);
  const rows = [...docs.matchAll(/^\| `([a-z-]+)`\s*\| (\d{3})\s*\|/gm)].map(
    ([, name, status]) => `${name} ${status}`,
  );
  expect(rows.sort()).toEqual(expected.sort());
});
