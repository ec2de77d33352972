import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { fillLakehouse } from './fill.ts';

/** The one-shot `lakehouse` job of docker-compose.yml: fills the lakehouse and exits. */
const settings = readEnvironment(
  z.object({
    TRINO_URL: z.url(),
    TRINO_CATALOG: z.string().default('iceberg'),
    TRINO_SCHEMA: z.string().default('kol_silver'),
  }),
);

await fillLakehouse({
  trinoUrl: settings.TRINO_URL,
  catalog: settings.TRINO_CATALOG,
  schema: settings.TRINO_SCHEMA,
  report: (line) => console.log(line),
});
