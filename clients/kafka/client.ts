import kafkajs, { type ISocketFactory, type Kafka, type KafkaConfig, type logCreator } from 'kafkajs';
import { registerCodecs } from './kafkajs/codecs.ts';
import { patchRequestQueue } from './kafkajs/patch-request-queue.ts';
import { patchCoordinatorLookup } from './kafkajs/patch-coordinator-lookup.ts';
import { patchConnection } from './kafkajs/patch-connection.ts';

/** Where kafkajs's own log lines go; it is told only of warnings and errors. */
export type KafkaLog = (level: 'warn' | 'error', message: string, details: Record<string, unknown>) => void;

/**
 * A Kafka client. All numbers that kafkajs would choose are set here (packages.md, 1 A and Q):
 * it waits 300 ms between tries by default, which throttles transactions to three a second. Batches may be compressed
 * in any way that Kafka knows.
 * @param socketFactory makes the connections; left out, kafkajs does
 */
export function createKafkaClient(
  brokers: readonly string[],
  clientId: string,
  log: KafkaLog,
  socketFactory?: ISocketFactory,
): Kafka {
  registerCodecs();
  patchRequestQueue();
  patchConnection();
  patchCoordinatorLookup();
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    connectionTimeout: 3000,
    requestTimeout: 15_000,
    retry: KAFKA_RETRY,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: toLog(log),
    ...(socketFactory && { socketFactory }),
  };
  return new kafkajs.Kafka(config);
}

/** About 20 s of tries in all: longer outages are Temporal's to wait for. */
export const KAFKA_RETRY = {
  initialRetryTime: 10,
  multiplier: 2,
  maxRetryTime: 1000,
  retries: 25,
  factor: 0.2,
};

const toLog =
  (log: KafkaLog): logCreator =>
  () =>
  ({ level, log: entry }) => {
    const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } = entry;
    log(level === kafkajs.logLevel.ERROR ? 'error' : 'warn', `kafka: ${message}`, details);
  };

/** The protocol error type of a kafkajs error or of what caused it, e.g. `INVALID_PRODUCER_EPOCH`. */
export function kafkaErrorType(error: unknown): string | undefined {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if ('type' in current && typeof current.type === 'string') return current.type;
  }
  return undefined;
}
