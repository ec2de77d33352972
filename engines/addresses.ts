import type { Ports } from './ports.ts';
import { NAMESPACE } from './definitions/temporal.ts';
import { CATALOG, SCHEMA } from './definitions/trino.ts';

/** Addresses of the engines, as environment variables. */
export interface Addresses {
  REDIS_URL: string;
  KAFKA_BROKERS: string;
  TRINO_URL: string;
  TRINO_CATALOG: string;
  TRINO_SCHEMA: string;
  TEMPORAL_ADDRESS: string;
  TEMPORAL_NAMESPACE: string;
  TEMPORAL_UI_URL: string;
}

/**
 * @param reuse environment; an engine address in it replaces the engine of this stack
 * @returns the addresses of a stack on these ports
 */
export function stackAddresses(ports: Ports, reuse: NodeJS.ProcessEnv = {}): Addresses {
  const { TRINO_URL, TEMPORAL_ADDRESS } = reuse;
  return {
    REDIS_URL: reuse.REDIS_URL || `redis://127.0.0.1:${ports.redis}`,
    KAFKA_BROKERS: reuse.KAFKA_BROKERS || `127.0.0.1:${ports.kafka}`,
    TRINO_URL: TRINO_URL || `http://127.0.0.1:${ports.trino}`,
    TRINO_CATALOG: (TRINO_URL && reuse.TRINO_CATALOG) || CATALOG,
    TRINO_SCHEMA: (TRINO_URL && reuse.TRINO_SCHEMA) || SCHEMA,
    TEMPORAL_ADDRESS: TEMPORAL_ADDRESS || `127.0.0.1:${ports.temporal}`,
    TEMPORAL_NAMESPACE: (TEMPORAL_ADDRESS && reuse.TEMPORAL_NAMESPACE) || NAMESPACE,
    TEMPORAL_UI_URL: (TEMPORAL_ADDRESS && reuse.TEMPORAL_UI_URL) || `http://127.0.0.1:${ports.temporalUi}`,
  };
}
