import { z } from 'zod';
import { ACTIONS, POINTS, SABOTAGES, type Fault } from './points.ts';

const schema = z.object({
  WORKFLOW_BUNDLE: z.string(),
  CHAOS_FAULT: z.string().optional(),
  CHAOS_SABOTAGE: z.enum(SABOTAGES).optional(),
  CHAOS_DOES: z.enum(['everything', 'activities', 'workflows']).default('everything'),
  CHAOS_SLOTS: z.coerce.number().int().positive().optional(),
});
const faultSchema: z.ZodType<Fault> = z.object({
  point: z.enum(POINTS),
  action: z.enum(ACTIONS),
  skip: z.number().int(),
  marker: z.string(),
});

/** What a worker of the chaos tests is to be. */
export type WorkerOrders = ReturnType<typeof workerOrders>;

/** @throws ZodError */
export function workerOrders(environment: NodeJS.ProcessEnv) {
  const env = schema.parse(environment);
  return {
    workflowBundle: env.WORKFLOW_BUNDLE,
    fault: env.CHAOS_FAULT === undefined ? undefined : faultSchema.parse(JSON.parse(env.CHAOS_FAULT)),
    sabotage: env.CHAOS_SABOTAGE,
    does: env.CHAOS_DOES,
    /** Activities at once. */
    slots: env.CHAOS_SLOTS,
  };
}

/** The environment that says so. */
export const ordersEnvironment = ({
  workflowBundle,
  fault,
  sabotage,
  does,
  slots,
}: Partial<WorkerOrders>): NodeJS.ProcessEnv => ({
  WORKFLOW_BUNDLE: workflowBundle,
  CHAOS_FAULT: fault && JSON.stringify(fault),
  CHAOS_SABOTAGE: sabotage,
  CHAOS_DOES: does,
  CHAOS_SLOTS: slots === undefined ? undefined : String(slots),
});
