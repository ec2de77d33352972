import { Router } from 'express';
import type { Readiness } from '../readiness.ts';

/** /healthz: the process runs. /readyz: whether it can serve reads, and what it lacks. */
export function healthRoutes(readiness: Readiness): Router {
  const router = Router({ caseSensitive: true });
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' });
  });
  router.get('/readyz', async (_request, response) => {
    const report = await readiness();
    response.status(report.status === 'unavailable' ? 503 : 200).json(report);
  });
  return router;
}
