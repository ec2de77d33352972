import type { z } from 'zod';

/**
 * Reads the settings of a simulator from the environment. An empty or blank variable counts as unset, because Compose files pass unset
 * variables as empty ones.
 * @throws ZodError naming every invalid variable
 */
export function readEnvironment<T>(schema: z.ZodType<T>): T {
  return schema.parse(Object.fromEntries(Object.entries(process.env).filter(([, value]) => value?.trim())));
}
