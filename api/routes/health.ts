import { Router } from 'express';
import { allowOnly } from '../allow-only.ts';
import { noStore } from '../no-store.ts';
import type { Readiness } from '../readiness.ts';

/** /healthz: the process runs. /readyz: whether it can serve reads, and which parts are down. */
export function healthRoutes(readiness: Readiness): Router {
  const router = Router({ caseSensitive: true });
  router.get('/healthz', noStore, (_request, response) => {
    response.json({ status: 'alive' });
  });
  router.get('/readyz', noStore, async (_request, response) => {
    const report = await readiness();
    response.status(report.status === 'unavailable' ? 503 : 200).json(report);
  });
  for (const path of ['/healthz', '/readyz']) router.all(path, allowOnly('GET'));
  return router;
}
