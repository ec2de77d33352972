import { Router } from 'express';
import { checkLoad } from '../../domain/warming/etl-load.ts';
import { jsonBody } from '../json-body.ts';
import { invalidProblem, queryOf } from '../parameters.ts';
import { Problem } from '../problem.ts';
import { snakeCased } from '../snake-case.ts';
import type { Triggers } from '../triggers.ts';

const LOADS = '/api/v1/etl/loads';

/** /api/v1/etl: pipelines tell of their loads. */
export function etlRoutes(triggers: Triggers): Router {
  const router = Router({ caseSensitive: true });

  router.post('/loads', jsonBody, async (request, response) => {
    queryOf({}, request);
    const { load, problems } = checkLoad(request.body ?? {});
    if (load === null || problems.length > 0) throw invalidProblem(problems);
    const { workflowId } = await triggers.etlLoad(load);
    response.status(202).location(LOADS).json({ workflow_id: workflowId });
  });

  router.get('/loads', async (request, response) => {
    queryOf({}, request);
    const state = await triggers.etlLoads();
    if (state === null) throw new Problem('not-found', 'No load was told of within the last day');
    response.json(snakeCased(state));
  });

  return router;
}
