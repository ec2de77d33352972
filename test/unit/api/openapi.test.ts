import { beforeAll, describe, expect, test } from 'vitest';
import { createApp, createRoutes } from '../../../api/app.ts';
import { createOpenApi } from '../../../api/openapi.ts';
import { fakeDependencies } from './fake-dependencies.ts';
import { routesOf } from '../../support/list-routes.ts';

type Document = ReturnType<typeof createOpenApi>;
type Named = { readonly name: string; readonly description?: string };

describe('the OpenAPI document', () => {
  let document: Document;
  beforeAll(() => {
    document = createOpenApi(createRoutes(fakeDependencies()));
  });
  const operations = () =>
    Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
        const operation = item?.[method];
        return operation === undefined ? [] : [{ path, method, operation }];
      }),
    );

  test('has exactly the routes of the router', () => {
    const { router } = createApp(fakeDependencies({ token: 'a-token' }));
    const inDocument = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    const inRouter = routesOf(router).map((route) => route.replaceAll(/:(\w+)/g, '{$1}'));
    expect(inDocument.sort()).toEqual(inRouter.sort());
  });

  test('names each operation once, and describes each parameter and each answer', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const shared = (document.components?.parameters ?? {}) as Readonly<Record<string, Named>>;
    for (const { path, operation } of operations()) {
      const named = (operation.parameters ?? []).flatMap((parameter) =>
        'name' in parameter ? [parameter] : [],
      );
      for (const { name, description } of [...named, ...Object.values(shared)])
        expect(description, `${path} ${name}`).toMatch(/\w/);
      const inPath = named.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(inPath, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      for (const response of Object.values(operation.responses ?? {}))
        expect((response as { description: string }).description, path).toMatch(/\w/);
    }
  });

  test('lists which routes need the token, and how they refuse', () => {
    const withToken = operations().filter(({ operation }) => operation.security !== undefined);
    expect(withToken.map(({ path }) => path)).toContain('/api/v1/warms');
    for (const { operation } of withToken)
      expect(Object.keys(operation.responses ?? {})).toEqual(expect.arrayContaining(['401', '403']));
  });
});
