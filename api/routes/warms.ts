import { scopedParts, scopesOutsideParts, warmRequestShape } from '../../contract/warm-cache.ts';
import { requestId } from '../log-requests.ts';
import { idParameter } from '../parameters.ts';
import { invalidProblem, Problem } from '../problem.ts';
import { bodyOf, defineRoute, type Route } from '../route.ts';
import { startedSchema, warmSchema } from '../schemas/trigger-schemas.ts';
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
export const warmRoutes = (triggers: Triggers): Route[] => [
  defineRoute({
    method: 'post',
    path: WARMS,
    name: 'start_warm',
    summary: 'Starts a manual warm',
    token: 'required',
    body: warmBody,
    answers: { 202: { description: 'Temporal has started the warm', schema: startedSchema } },
    problems: ['temporal-unavailable'],
    async handle({ request, response }) {
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
    },
  }),
  defineRoute({
    method: 'get',
    path: `${WARMS}/:id`,
    name: 'warm',
    summary: 'The state of a warm',
    token: 'required',
    params: { id: idParameter },
    answers: { 200: { description: 'The state', schema: warmSchema } },
    problems: ['not-found', 'temporal-unavailable'],
    async handle({ response, params: { id } }) {
      const warm = await triggers.readWarm(id);
      if (warm === null) throw new Problem('not-found', `No warm ${JSON.stringify(id)}`);
      response.json(toSnakeCase(warm));
    },
  }),
];
