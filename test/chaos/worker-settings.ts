import { z } from 'zod';
import { ACTIONS, POINTS, SABOTAGES, type Fault } from './fault-points.ts';

const schema = z.object({
  WORKFLOW_BUNDLE: z.string(),
  CHAOS_FAULT: z.string().optional(),
  CHAOS_SABOTAGE: z.enum(SABOTAGES).optional(),
  CHAOS_ROLE: z.enum(['everything', 'activities', 'workflows']).default('everything'),
  CHAOS_SLOTS: z.coerce.number().int().positive().optional(),
});
const faultSchema: z.ZodType<Fault> = z.object({
  point: z.enum(POINTS),
  action: z.enum(ACTIONS),
  skip: z.number().int(),
  marker: z.string(),
});

/** Settings of a worker of the chaos tests. */
export type WorkerSettings = ReturnType<typeof parseWorkerSettings>;

/** Reads the settings from the environment. @throws ZodError */
export function parseWorkerSettings(environment: NodeJS.ProcessEnv) {
  const env = schema.parse(environment);
  return {
    workflowBundle: env.WORKFLOW_BUNDLE,
    fault: env.CHAOS_FAULT === undefined ? undefined : faultSchema.parse(JSON.parse(env.CHAOS_FAULT)),
    sabotage: env.CHAOS_SABOTAGE,
    role: env.CHAOS_ROLE,
    /** Maximum number of activities at the same time. */
    slots: env.CHAOS_SLOTS,
  };
}

/** The settings as environment variables. */
export const environmentOfWorker = ({
  workflowBundle,
  fault,
  sabotage,
  role,
  slots,
}: Partial<WorkerSettings>): NodeJS.ProcessEnv => ({
  WORKFLOW_BUNDLE: workflowBundle,
  CHAOS_FAULT: fault && JSON.stringify(fault),
  CHAOS_SABOTAGE: sabotage,
  CHAOS_ROLE: role,
  CHAOS_SLOTS: slots === undefined ? undefined : String(slots),
});
