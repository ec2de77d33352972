import { z } from 'zod';

/** Faults to inject until the next POST /admin/faults; `{}` removes all faults. */
export const faultsSchema = z.strictObject({
  /** Latency of responses, instead of the configured one. */
  latency_ms: z.number().min(0).max(600_000).optional(),
  /** Predictions respond with this status: a redirect, or an error. */
  status: z.int().min(300).max(599).optional(),
  /** Predictions respond with 200 and an HTML page. */
  garbage: z.boolean().optional(),
  /** false: the batch endpoint responds with 404, like deployments without it. */
  batch: z.boolean().optional(),
  /** Profiles of these KOLs, and batches with them, are rejected with 422. */
  refuse: z.array(z.string()).max(1000).optional(),
  /** Profiles of these KOLs, and batches with them, make the service fail with 500. */
  crash: z.array(z.string()).max(1000).optional(),
});
export type Faults = z.infer<typeof faultsSchema>;
