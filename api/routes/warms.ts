import { Router } from 'express';
import { z } from 'zod';
import { isPlatform } from '../../domain/values/platform.ts';
import { isId } from '../../domain/scoring/event.ts';
import { MAX_SCOPE_IDS, partsWithIds, warmParts } from '../../domain/warming/warm-parts.ts';
import { jsonBody } from '../json-body.ts';
import { bodyOf, idOf, invalidProblem, queryOf } from '../parameters.ts';
import { Problem } from '../problem.ts';
import { requestId } from '../request-id.ts';
import { snakeCased } from '../snake-case.ts';
import type { Triggers } from '../triggers.ts';

const WARMS = '/api/v1/warms';

const flag = z.boolean().default(false).describe('true or false');
const scope = z.union([
  z.strictObject({ platforms: z.array(z.string().refine(isPlatform)).min(1).max(100) }),
  z.strictObject({ ids: z.array(z.string().refine(isId)).min(1).max(MAX_SCOPE_IDS) }),
]);

const warmBody = {
  parts: z
    .array(z.enum(warmParts))
    .min(1)
    .optional()
    .describe(`a list of ${warmParts.join(', ')}`),
  scopes: z
    .partialRecord(z.enum(warmParts), scope)
    .refine((scopes) =>
      partsOf(scopes).every((part) => partsWithIds.includes(part) || !('ids' in (scopes[part] ?? {}))),
    )
    .default({})
    .describe(
      `a share by part, such as {"rankings": {"platforms": ["tiktok"]}} or {"profiles": {"ids": ["1"]}}; ids of ${partsWithIds.join(' and ')} only, at most ${MAX_SCOPE_IDS}`,
    ),
  dry_run: flag,
  all_profiles: flag,
  force: flag,
  allow_shrink: flag,
};

/** /api/v1/warms: warms by hand, and how they went. */
export function warmRoutes(triggers: Triggers): Router {
  const router = Router({ caseSensitive: true });

  router.post('/', jsonBody, async (request, response) => {
    queryOf({}, request);
    const { parts, scopes, dry_run, all_profiles, force, allow_shrink } = bodyOf(warmBody, request);
    const scoped = partsOf(scopes);
    const beside = scoped.filter((part) => parts !== undefined && !parts.includes(part));
    if (beside.length > 0)
      throw invalidProblem([
        { name: 'scopes', given: beside, accepted: 'only parts that are to be warmed, which parts says' },
      ]);
    const { workflowId } = await triggers.startWarm({
      ...(parts === undefined ? {} : { parts }),
      ...(scoped.length === 0 ? {} : { scopes }),
      requestedBy: `api:${requestId(response)}`,
      dryRun: dry_run,
      allProfiles: all_profiles,
      force,
      allowShrink: allow_shrink,
    });
    response
      .status(202)
      .location(`${WARMS}/${encodeURIComponent(workflowId)}`)
      .json({ workflow_id: workflowId });
  });

  router.get('/:id', async (request, response) => {
    const id = idOf(request);
    queryOf({}, request);
    const warm = await triggers.warm(id);
    if (warm === null) throw new Problem('not-found', `No warm ${JSON.stringify(id)}`);
    response.json(snakeCased(warm));
  });

  return router;
}

const partsOf = (scopes: object) => warmParts.filter((part) => part in scopes);
