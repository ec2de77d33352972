import { z } from 'zod';
import { fillLakehouse } from './fill.ts';

/** Fills the lakehouse of the environment and ends: the one-shot job of docker-compose.yml. */
const settings = z
  .object({
    TRINO_URL: z.url(),
    TRINO_CATALOG: z.string().default('iceberg'),
    TRINO_SCHEMA: z.string().default('kol_silver'),
  })
  // Compose files write unset variables as empty ones.
  .parse(Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== '')));

await fillLakehouse({
  trinoUrl: settings.TRINO_URL,
  catalog: settings.TRINO_CATALOG,
  schema: settings.TRINO_SCHEMA,
  report: (line) => console.log(line),
});
