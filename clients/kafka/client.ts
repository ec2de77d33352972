import kafkajs, { type ISocketFactory, type Kafka, type KafkaConfig, type logCreator } from 'kafkajs';
import { registerCodecs } from './kafkajs/codecs.ts';
import { toBootstrapServer, withIpv6Brokers } from './kafkajs/ipv6-brokers.ts';
import { patchAddPartitions } from './kafkajs/patch-add-partitions.ts';
import { patchConnection } from './kafkajs/patch-connection.ts';
import { patchCoordinatorLookup } from './kafkajs/patch-coordinator-lookup.ts';
import { patchEncoder } from './kafkajs/patch-encoder.ts';
import { patchFrozenBrokers } from './kafkajs/patch-frozen-brokers.ts';
import { patchProduceErrors } from './kafkajs/patch-produce-errors.ts';
import { patchRequestQueue } from './kafkajs/patch-request-queue.ts';

/** Receives kafkajs's own log entries, warnings and errors only. */
type KafkaLog = (level: 'warn' | 'error', message: string, details: Record<string, unknown>) => void;

/**
 * Creates a Kafka client. Sets every number for which kafkajs has a default, because the defaults do not fit
 * (docs/decisions/0006-kafkajs.md). Can read every compression of Kafka.
 * @param brokers host:port, with an IPv6 address in brackets
 * @param socketFactory opens the connections; by default that of kafkajs
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
  patchFrozenBrokers();
  patchCoordinatorLookup();
  patchAddPartitions();
  patchEncoder();
  patchProduceErrors();
  const config: KafkaConfig = {
    brokers: brokers.map(toBootstrapServer),
    clientId,
    connectionTimeout: 3000,
    requestTimeout: 15_000,
    retry: KAFKA_RETRY,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: toLogCreator(log),
    socketFactory: withIpv6Brokers(socketFactory),
  };
  return new kafkajs.Kafka(config);
}

/**
 * Repeats a request that brokers refuse for about 20 s; a connect ends after 10 s (`patchFrozenBrokers`). Longer outages are left to the
 * slices and to Temporal's retries. The first retry comes after 10 ms: with kafkajs's default of 300 ms a producer commits only three
 * transactions per second.
 */
export const KAFKA_RETRY = {
  initialRetryTime: 10,
  multiplier: 2,
  maxRetryTime: 1000,
  retries: 25,
  factor: 0.2,
};

/**
 * kafkajs logs it for each idempotent producer, that is for each slice. It is wrong here: after a failed transaction the producer is
 * discarded, and the next fence settles its transaction.
 */
const FALSE_WARNING = 'Limiting retries for the idempotent producer may invalidate EoS guarantees';

const toLogCreator =
  (log: KafkaLog): logCreator =>
  () =>
  ({ level, log: entry }) => {
    const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } = entry;
    if (message === FALSE_WARNING) return;
    log(level === kafkajs.logLevel.ERROR ? 'error' : 'warn', `kafka: ${message}`, details);
  };

/** The protocol error type of a kafkajs error or of one of its causes, for example `INVALID_PRODUCER_EPOCH`. */
export function kafkaErrorType(error: unknown): string | undefined {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if ('type' in current && typeof current.type === 'string') return current.type;
  }
  return undefined;
}
