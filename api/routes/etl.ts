import type { Response } from 'express';
import { waitForEtlRun } from '../../clients/temporal/wait-for-etl-run.ts';
import { etlLoadShape, etlRunShape, isFinished, parseEtlLoad } from '../../contract/etl-loads.ts';
import { ETL_WINDOW_SECONDS, type EtlLoad } from '../../domain/warming/etl-load.ts';
import { idParameter, wholeNumberParameter } from '../parameters.ts';
import { invalidProblem, Problem } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { etlLoadsSchema, etlRunSchema, startedSchema } from '../schemas/trigger-schemas.ts';
import { toSnakeCase } from '../snake-case.ts';
import type { Triggers } from '../triggers.ts';

const LOADS = '/api/v1/etl/loads';
/** The longest wait for a load in one request. Proxies often end a request after 60 s. */
const MAX_WAIT_SECONDS = 30;
/** A warm starts this long after its first load, so an earlier retry is useless. */
const RETRY_AFTER_SECONDS = ETL_WINDOW_SECONDS;

/**
 * /api/v1/etl: pipelines report loads and query their state.
 * @param closing aborts when the server stops accepting requests
 */
export const etlRoutes = (triggers: Triggers, closing: AbortSignal | undefined): Route[] => [
  defineRoute({
    method: 'post',
    path: LOADS,
    name: 'report_load',
    summary: 'Reports that an ETL pipeline loaded tables',
    token: 'required',
    body: etlLoadShape,
    answers: { 202: { description: 'Temporal has accepted the load', schema: startedSchema } },
    problems: ['temporal-unavailable'],
    async handle({ request, response }) {
      const { load, problems } = parseEtlLoad(request.body ?? {});
      if (load === null || problems.length > 0) throw invalidProblem(problems);
      const { workflowId } = await triggers.signalEtlLoad(load);
      response.status(202).location(locationOf(load)).json({ workflow_id: workflowId });
    },
  }),
  defineRoute({
    method: 'get',
    path: LOADS,
    name: 'etl_loads',
    summary: 'The state of the receiver of loads',
    token: 'required',
    answers: { 200: { description: 'The state', schema: etlLoadsSchema } },
    problems: ['not-found', 'temporal-unavailable'],
    async handle({ response }) {
      const state = await triggers.readEtlLoads();
      if (state === null) throw new Problem('not-found', 'No load was reported within the last day');
      response.json(toSnakeCase(state));
    },
  }),
  defineRoute({
    method: 'get',
    path: `${LOADS}/:id`,
    name: 'etl_load',
    summary: 'What became of the loads of a pipeline run',
    token: 'required',
    params: { id: idParameter },
    query: {
      pipeline: etlRunShape.pipeline,
      wait: wholeNumberParameter(0, MAX_WAIT_SECONDS, 0, 'of seconds '),
    },
    answers: {
      200: { description: 'All loads of the run are done or failed', schema: etlRunSchema },
      202: { description: 'A load of the run is not finished', schema: etlRunSchema },
    },
    problems: ['not-found', 'temporal-unavailable'],
    waits: true,
    async handle({ response, params: { id: runId }, query: { pipeline, wait } }) {
      const waiting = endOfWait(response, closing);
      const status = await waitForEtlRun(() => triggers.readEtlRun({ runId, pipeline }), {
        seconds: wait,
        signal: waiting.signal,
      }).finally(waiting.close);
      // The client asks another process next, not this one over the same connection.
      if (closing?.aborted === true) response.shouldKeepAlive = false;
      if (status === null)
        throw new Problem('not-found', `No load of the run ${JSON.stringify(runId)} is known`);
      if (!isFinished(status)) response.status(202).set('Retry-After', String(RETRY_AFTER_SECONDS));
      response.json(toSnakeCase(status));
    },
  }),
];

/** The signal aborts when the client disconnects or the server closes. The answer is then the current state. */
function endOfWait(response: Response, closing: AbortSignal | undefined) {
  const controller = new AbortController();
  const end = () => controller.abort();
  response.once('close', end);
  if (closing?.aborted === true) end();
  closing?.addEventListener('abort', end);
  return { signal: controller.signal, close: () => closing?.removeEventListener('abort', end) };
}

/** The URL of the state of a load; without a run id, of all loads. */
function locationOf({ runId, pipeline }: EtlLoad): string {
  if (runId === undefined) return LOADS;
  const query = pipeline === undefined ? '' : `?pipeline=${encodeURIComponent(pipeline)}`;
  return `${LOADS}/${encodeURIComponent(runId)}${query}`;
}
