import type { Request } from 'express';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRoutes } from '../../../api/app.ts';
import { createLoggedUrl } from '../../../api/logged-url.ts';
import { fakeDependencies } from './fake-dependencies.ts';

const routes = createRoutes(fakeDependencies());
const loggedUrl = createLoggedUrl(routes);
const logged = (method: string, originalUrl: string) => loggedUrl({ method, originalUrl } as Request);

describe('the logged URL', () => {
  test.each([
    ['DELETE', '/api/v1/kols/jane', '/api/v1/kols/:id'],
    ['DELETE', '/api/v1/kols/jane/?a=b', '/api/v1/kols/:id'],
    ['OPTIONS', '/api/v1/kols/jane', '/api/v1/kols/:id'],
    ['GET', '/api/v1/users/42/searches', '/api/v1/users/:id/searches'],
    ['HEAD', '/api/v1/users/42/searches', '/api/v1/users/:id/searches'],
    ['GET', '/api/v1/search?q=jane&user_id=42', '/api/v1/search'],
    ['GET', '/api/v1/search?user%5Fid=42&q=jane', '/api/v1/search'],
  ])('of %s %s names nobody', (method, url, path) => {
    expect(logged(method, url)).toBe(path);
  });

  test.each([
    ['GET', '/api/v1/kols/jane?fields=kol_id'],
    ['GET', '/api/v1/search?q=jane'],
    ['GET', '/api/v1/kols/user_id=42'],
    ['DELETE', '/api/v1/nothing/jane'],
    ['GET', '/'],
  ])('of %s %s is the URL, because the request needs no token', (method, url) => {
    expect(logged(method, url)).toBe(url);
  });

  test('of a request that needs the token never has its id', () => {
    const ids = fc.webSegment().filter((id) => id !== '');
    for (const { method, path, token } of routes.filter((route) => route.path.includes(':id')))
      fc.assert(
        fc.property(ids, (id) => {
          const url = path.replaceAll(/:\w+/g, id);
          expect(logged(method.toUpperCase(), url)).toBe(token === 'required' ? path : url);
        }),
      );
  });
});
