import type { Ports } from './ports.ts';
import { NAMESPACE } from './definitions/temporal.ts';
import { LAKEHOUSES, SCHEMA, type LakehouseKind } from './definitions/trino.ts';
import { StackError } from './errors.ts';

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
 * @param reuse environment; an engine address in it replaces the engine of this stack, and LAKEHOUSE chooses the local lakehouse
 * @returns the addresses of a stack on these ports
 * @throws StackError when LAKEHOUSE names no kind of lakehouse
 */
export function stackAddresses(ports: Ports, reuse: NodeJS.ProcessEnv = {}): Addresses {
  const { TRINO_URL, TEMPORAL_ADDRESS } = reuse;
  return {
    REDIS_URL: reuse.REDIS_URL || `redis://127.0.0.1:${ports.redis}`,
    KAFKA_BROKERS: reuse.KAFKA_BROKERS || `127.0.0.1:${ports.kafka}`,
    TRINO_URL: TRINO_URL || `http://127.0.0.1:${ports.trino}`,
    TRINO_CATALOG: (TRINO_URL && reuse.TRINO_CATALOG) || lakehouseKind(reuse.LAKEHOUSE),
    TRINO_SCHEMA: (TRINO_URL && reuse.TRINO_SCHEMA) || SCHEMA,
    TEMPORAL_ADDRESS: TEMPORAL_ADDRESS || `127.0.0.1:${ports.temporal}`,
    TEMPORAL_NAMESPACE: (TEMPORAL_ADDRESS && reuse.TEMPORAL_NAMESPACE) || NAMESPACE,
    TEMPORAL_UI_URL: (TEMPORAL_ADDRESS && reuse.TEMPORAL_UI_URL) || `http://127.0.0.1:${ports.temporalUi}`,
  };
}

function lakehouseKind(name: string | undefined): LakehouseKind {
  const kind = name ? LAKEHOUSES.find((one) => one === name) : 'iceberg';
  if (kind === undefined)
    throw new StackError(`LAKEHOUSE is ${JSON.stringify(name)}: it must be ${LAKEHOUSES.join(' or ')}.`);
  return kind;
}
