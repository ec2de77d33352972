import { Router } from 'express';
import { z } from 'zod';
import { waitForEtlRun } from '../../clients/temporal/wait-for-etl-run.ts';
import { etlRunShape, isFinished, parseEtlLoad } from '../../contract/etl-loads.ts';
import { ETL_WINDOW_SECONDS, type EtlLoad } from '../../domain/warming/etl-load.ts';
import { allowOnly } from '../allow-only.ts';
import { jsonBody } from '../json-body.ts';
import { idOf, invalidProblem, queryOf } from '../parameters.ts';
import { Problem } from '../problem.ts';
import { toSnakeCase } from '../snake-case.ts';
import type { Triggers } from '../triggers.ts';

const LOADS = '/api/v1/etl/loads';
/** The longest wait for a load in one request. Proxies often end a request after 60 s. */
const MAX_WAIT_SECONDS = 30;
/** A load waits this long for others before its warm starts. */
const RETRY_AFTER_SECONDS = ETL_WINDOW_SECONDS;

const runQuery = {
  pipeline: etlRunShape.pipeline,
  wait: z
    .string()
    .regex(/^\d{1,2}$/)
    .transform(Number)
    .pipe(z.int().max(MAX_WAIT_SECONDS))
    .default(0)
    .describe(`a whole number of seconds from 0 to ${MAX_WAIT_SECONDS}`),
};

/** /api/v1/etl: pipelines report their loads, and ask what became of them. */
export function etlRoutes(triggers: Triggers): Router {
  const router = Router({ caseSensitive: true });

  router.post('/loads', jsonBody, async (request, response) => {
    queryOf({}, request);
    const { load, problems } = parseEtlLoad(request.body ?? {});
    if (load === null || problems.length > 0) throw invalidProblem(problems);
    const { workflowId } = await triggers.signalEtlLoad(load);
    response.status(202).location(locationOf(load)).json({ workflow_id: workflowId });
  });

  router.get('/loads', async (request, response) => {
    queryOf({}, request);
    const state = await triggers.readEtlLoads();
    if (state === null) throw new Problem('not-found', 'No load was reported within the last day');
    response.json(toSnakeCase(state));
  });

  router.all('/loads', allowOnly('GET', 'POST'));

  router.get('/loads/:id', async (request, response) => {
    const runId = idOf(request);
    const { pipeline, wait } = queryOf(runQuery, request);
    const disconnected = new AbortController();
    response.on('close', () => disconnected.abort());
    const status = await waitForEtlRun(() => triggers.readEtlRun({ runId, pipeline }), {
      seconds: wait,
      signal: disconnected.signal,
    });
    if (status === null)
      throw new Problem('not-found', `No load of the run ${JSON.stringify(runId)} is known`);
    if (!isFinished(status)) response.status(202).set('Retry-After', String(RETRY_AFTER_SECONDS));
    response.json(toSnakeCase(status));
  });
  router.all('/loads/:id', allowOnly('GET'));

  return router;
}

/** Where to ask for the load. Without a run id that is the state of all loads. */
function locationOf({ runId, pipeline }: EtlLoad): string {
  if (runId === undefined) return LOADS;
  const query = pipeline === undefined ? '' : `?pipeline=${encodeURIComponent(pipeline)}`;
  return `${LOADS}/${encodeURIComponent(runId)}${query}`;
}
