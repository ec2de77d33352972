import { z } from 'zod';
import type { Readiness } from '../readiness.ts';
import { defineRoute, type Route } from '../route.ts';

const readinessSchema = z.strictObject({
  status: z.enum(['ready', 'degraded', 'unavailable', 'stopping']),
  parts: z.record(
    z.string(),
    z.strictObject({ state: z.enum(['up', 'down']), latency_ms: z.number().min(0) }),
  ),
});

/** Whether the process runs. Different orchestrators use different names. */
const livenessRoute = (path: string, name: string): Route =>
  defineRoute({
    method: 'get',
    path,
    name,
    summary: 'Whether the process runs',
    answers: {
      200: { description: 'It runs', schema: z.strictObject({ status: z.literal('alive') }) },
    },
    anyQuery: true,
    handle({ response }) {
      response.set('Cache-Control', 'no-store');
      response.json({ status: 'alive' });
    },
  });

/** /livez, /healthz: the process runs. /readyz: whether it can serve reads, and which parts are down. */
export const healthRoutes = (readiness: Readiness): Route[] => [
  livenessRoute('/livez', 'liveness'),
  livenessRoute('/healthz', 'health'),
  defineRoute({
    method: 'get',
    path: '/readyz',
    name: 'readiness',
    summary: 'Whether reads can be served, and which parts are down',
    answers: {
      200: { description: 'At least one part that answers reads is up', schema: readinessSchema },
      503: { description: 'Redis and Trino are down, or the process stops', schema: readinessSchema },
    },
    anyQuery: true,
    async handle({ response }) {
      response.set('Cache-Control', 'no-store');
      const report = await readiness();
      response
        .status(report.status === 'unavailable' || report.status === 'stopping' ? 503 : 200)
        .json(report);
    },
  }),
];
