import { z } from 'zod';

/** What goes wrong on purpose until it is set anew; `{}` sets all right again. */
export const faultsSchema = z.strictObject({
  /** Answers take this long instead of the usual latency. */
  latency_ms: z.number().min(0).max(600_000).optional(),
  /** Predictions answer this status. */
  status: z.int().min(400).max(599).optional(),
  /** Predictions answer 200 with something that is no prediction. */
  garbage: z.boolean().optional(),
  /** false: the batch endpoint is not there (404), as in some deployments. */
  batch: z.boolean().optional(),
  /** Profiles of these KOLs are refused with 422, and with them the batches that hold them. */
  refuse: z.array(z.string()).max(1000).optional(),
});
export type Faults = z.infer<typeof faultsSchema>;
