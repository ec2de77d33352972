import { once } from 'node:events';
import { pino } from 'pino';
import { z } from 'zod';
import { readEnvironment } from '../environment.ts';
import { createMlService } from './server.ts';

const settings = readEnvironment(
  z.object({
    ML_API_HOST: z.string().min(1).default('127.0.0.1'),
    ML_API_PORT: z.coerce.number().int().min(0).max(65535).default(18090),
    ML_API_LATENCY_MS: z.coerce.number().min(0).max(60_000).default(50),
    ML_API_FAULTS: z.enum(['0', '1']).default('0'),
  }),
);

const log = pino({ name: 'ml-service' });
const faults = settings.ML_API_FAULTS === '1';
const server = createMlService({ latencyMs: settings.ML_API_LATENCY_MS, faults });
server.listen(settings.ML_API_PORT, settings.ML_API_HOST);
await once(server, 'listening');
log.info({ address: server.address(), latencyMs: settings.ML_API_LATENCY_MS, faults }, 'listening');

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => {
    log.info({ signal }, 'stopping after the calls in flight');
    server.close(() => log.info('stopped'));
  });
