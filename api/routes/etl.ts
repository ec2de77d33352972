import { Router } from 'express';
import { parseEtlLoad } from '../../contract/etl-loads.ts';
import { allowOnly } from '../allow-only.ts';
import { jsonBody } from '../json-body.ts';
import { invalidProblem, queryOf } from '../parameters.ts';
import { Problem } from '../problem.ts';
import { toSnakeCase } from '../snake-case.ts';
import type { Triggers } from '../triggers.ts';

const LOADS = '/api/v1/etl/loads';

/** /api/v1/etl: pipelines report their loads. */
export function etlRoutes(triggers: Triggers): Router {
  const router = Router({ caseSensitive: true });

  router.post('/loads', jsonBody, async (request, response) => {
    queryOf({}, request);
    const { load, problems } = parseEtlLoad(request.body ?? {});
    if (load === null || problems.length > 0) throw invalidProblem(problems);
    const { workflowId } = await triggers.signalEtlLoad(load);
    response.status(202).location(LOADS).json({ workflow_id: workflowId });
  });

  router.get('/loads', async (request, response) => {
    queryOf({}, request);
    const state = await triggers.readEtlLoads();
    if (state === null) throw new Problem('not-found', 'No load was reported within the last day');
    response.json(toSnakeCase(state));
  });

  router.all('/loads', allowOnly('GET', 'POST'));

  return router;
}
