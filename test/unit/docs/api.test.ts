import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createApp } from '../../../api/app.ts';
import { problemTypes } from '../../../api/problem.ts';
import { routesOf } from '../../support/list-routes.ts';
import { fakeDependencies } from '../api/fake-dependencies.ts';

const docs = await readFile(fileURLToPath(new URL('../../../docs/api.md', import.meta.url)), 'utf8');
const matchesInDocs = (pattern: RegExp) => [...docs.matchAll(pattern)].map(([, match]) => match).sort();

test('docs/api.md lists exactly the routes of the API', () => {
  const { router } = createApp(fakeDependencies({ token: 'a-token' }));
  expect(matchesInDocs(/^### ((?:GET|POST|PUT|DELETE|PATCH) \S+)$/gm)).toEqual(routesOf(router).sort());
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
