/** The part of router 2.3 that lists routes; its types do not have it yet. */
interface RouteList {
  listRoutes(): readonly { path: string; methods?: readonly string[]; router?: RouteList }[];
}

/** The routes of an Express router as `GET /api/v1/kols/:id`. Left out is HEAD, which exists for each GET. */
export const routesOf = (router: unknown): string[] => listedRoutes(router as RouteList, '');

function listedRoutes(list: RouteList, base: string): string[] {
  return list.listRoutes().flatMap(({ path, methods, router }) => {
    const fullPath = `${base}${path === '/' ? '' : path}`;
    if (router) return listedRoutes(router, fullPath);
    return (methods ?? [])
      .filter((method) => /^(GET|POST|PUT|PATCH|DELETE)$/.test(method))
      .map((method) => `${method} ${fullPath || '/'}`);
  });
}
