import { Router } from 'express';
import { scopedParts, scopesOutsideParts, warmRequestShape } from '../../contract/warm-cache.ts';
import { allowOnly } from '../allow-only.ts';
import { jsonBody } from '../json-body.ts';
import { requestId } from '../log-requests.ts';
import { bodyOf, idOf, invalidProblem, queryOf } from '../parameters.ts';
import { Problem } from '../problem.ts';
import { toSnakeCase } from '../snake-case.ts';
import type { Triggers } from '../triggers.ts';

const WARMS = '/api/v1/warms';

/** The fields of a warm request, in the snake_case of this API. */
const { parts, scopes, dryRun, allProfiles, force, allowShrink } = warmRequestShape;
const warmBody = {
  parts,
  scopes,
  dry_run: dryRun,
  all_profiles: allProfiles,
  force,
  allow_shrink: allowShrink,
};

/** /api/v1/warms: starts manual warms, and reports the state of any warm. */
export function warmRoutes(triggers: Triggers): Router {
  const router = Router({ caseSensitive: true });

  router.post('/', jsonBody, async (request, response) => {
    queryOf({}, request);
    const body = bodyOf(warmBody, request);
    const outside = scopesOutsideParts(body.parts, body.scopes);
    if (outside !== undefined) throw invalidProblem([outside]);
    const { workflowId } = await triggers.startWarm({
      ...(body.parts === undefined ? {} : { parts: body.parts }),
      ...(scopedParts(body.scopes).length === 0 ? {} : { scopes: body.scopes }),
      requestedBy: `api:${requestId(request)}`,
      dryRun: body.dry_run,
      allProfiles: body.all_profiles,
      force: body.force,
      allowShrink: body.allow_shrink,
    });
    response
      .status(202)
      .location(`${WARMS}/${encodeURIComponent(workflowId)}`)
      .json({ workflow_id: workflowId });
  });

  router.get('/:id', async (request, response) => {
    const id = idOf(request);
    queryOf({}, request);
    const warm = await triggers.readWarm(id);
    if (warm === null) throw new Problem('not-found', `No warm ${JSON.stringify(id)}`);
    response.json(toSnakeCase(warm));
  });

  router.all('/', allowOnly('POST'));
  router.all('/:id', allowOnly('GET'));
  return router;
}
