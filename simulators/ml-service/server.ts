import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type ErrorRequestHandler, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { faultsSchema, type Faults } from './faults.ts';
import { featuresSchema, predictTrust, MODEL_VERSION, type Features } from './model.ts';

export interface MlServiceOptions {
  /** Latency of one call, for one profile or a batch. */
  readonly latencyMs: number;
  /** Whether POST /admin/faults is available. */
  readonly faults?: boolean;
}

const batchSchema = z.object({ kols: z.array(featuresSchema) });

/**
 * The trust score service of docs/contract.md: POST /predict/trust, POST /predict/trust/batch, GET /healthz.
 * Invalid input gives 422 with a `detail` list; each entry has the location (`loc`), the problem (`msg`) and its kind (`type`).
 * @returns a server that does not listen yet; its close() waits for calls in flight
 */
export function createMlService({ latencyMs, faults: faultsAllowed = false }: MlServiceOptions): Server {
  let faults: Faults = {};
  const app = express().disable('x-powered-by').disable('etag');

  app.use(express.json({ limit: '10mb' }));
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok', model_version: MODEL_VERSION });
  });
  if (faultsAllowed)
    app.post('/admin/faults', (request, response) => {
      const newFaults = parseBody(faultsSchema, request.body, response);
      if (newFaults === undefined) return;
      faults = newFaults;
      response.json({ faults });
    });

  const injectFaults: RequestHandler = async (request, response, next) => {
    // Read once: a later change applies to later calls only.
    const { latency_ms = latencyMs, status, garbage, batch, refuse, crash } = faults;
    response.locals['refuse'] = refuse;
    response.locals['crash'] = crash;
    if (batch === false && request.path.endsWith('/batch')) return next('route');
    await sleep(latency_ms);
    // The server closed during the sleep: end the connection after this response, or keep-alive would delay close().
    if (!server.listening) response.set('connection', 'close');
    if (status !== undefined) response.status(status).json({ detail: 'Fault set by /admin/faults' });
    else if (garbage) response.type('html').send('<html><body>Welcome to nginx!</body></html>');
    else next();
  };
  app.post('/predict/trust', injectFaults, (request, response) => {
    const features = parseBody(featuresSchema, request.body, response);
    if (features === undefined) return;
    if (rejectFaulty([features], () => ['body', 'kol_id'], response)) return;
    if (!crashOn([features], response)) response.json(predict(features));
  });
  app.post('/predict/trust/batch', startClock, injectFaults, (request, response) => {
    const batch = parseBody(batchSchema, request.body, response);
    if (batch === undefined) return;
    if (rejectFaulty(batch.kols, (index) => ['body', 'kols', index, 'kol_id'], response)) return;
    if (crashOn(batch.kols, response)) return;
    const predictions = batch.kols.map(predict);
    response.json({
      predictions,
      total: predictions.length,
      model_version: MODEL_VERSION,
      processing_time_ms: Number((performance.now() - (response.locals['start'] as number)).toFixed(2)),
    });
  });
  app.use((_request, response) => {
    response.status(404).json({ detail: 'Not Found' });
  });
  app.use(unreadableBody);

  const server = createServer(app);
  // Longer than the keep-alive of clients, so that the client closes the connection and no call meets a closing one.
  server.keepAliveTimeout = 75_000;
  return server;
}

const startClock: RequestHandler = (_request, response, next) => {
  response.locals['start'] = performance.now();
  next();
};

const predict = (features: Features) => ({
  kol_id: features.kol_id,
  ...predictTrust(features),
  prediction_source: 'model',
  model_version: MODEL_VERSION,
  timestamp: new Date().toISOString(),
});

/** @returns the parsed body; undefined after a 422 response that names every invalid field */
function parseBody<T>(schema: z.ZodType<T>, body: unknown, response: Response): T | undefined {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues.map(({ path, message, code }) => ({
    loc: ['body', ...path],
    msg: message,
    type: code,
  }));
  response.status(422).json({ detail });
  return undefined;
}

/** @returns true after a 422 response that names every profile that the `refuse` fault selects */
function rejectFaulty(
  profiles: readonly Features[],
  locationOf: (index: number) => (string | number)[],
  response: Response,
): boolean {
  const ids = new Set((response.locals['refuse'] as Faults['refuse']) ?? []);
  const detail = profiles.flatMap(({ kol_id }, index) =>
    ids.has(kol_id)
      ? [{ loc: locationOf(index), msg: 'Fault set by /admin/faults', type: 'value_error' }]
      : [],
  );
  if (detail.length > 0) response.status(422).json({ detail });
  return detail.length > 0;
}

/** @returns true after a 500 response, when the `crash` fault selects one of the profiles */
function crashOn(profiles: readonly Features[], response: Response): boolean {
  const ids = (response.locals['crash'] as Faults['crash']) ?? [];
  const crashes = profiles.some(({ kol_id }) => ids.includes(kol_id));
  if (crashes) response.status(500).json({ detail: 'Internal Server Error' });
  return crashes;
}

/** Handles a body that is not JSON or is too large. */
const unreadableBody: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) return next(error);
  const { status } = error as { status?: unknown };
  if (status === 413) return void response.status(413).json({ detail: 'The body is larger than 10 MB' });
  if (typeof status !== 'number' || status >= 500)
    return void response.status(500).json({ detail: 'Internal Server Error' });
  response
    .status(422)
    .json({ detail: [{ loc: ['body'], msg: 'The body is not JSON', type: 'json_invalid' }] });
};
