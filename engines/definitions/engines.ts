import type { Addresses } from '../addresses.ts';
import { StackError } from '../errors.ts';
import { findJdk, noJdkMessage } from '../install/java.ts';
import { MINIMUM_JAVA } from '../install/versions.ts';
import type { StackPaths } from '../paths.ts';
import type { PortName, Ports } from '../ports.ts';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import { createMissingTopics, isKafkaReady, kafkaProcess, newClusterId } from './kafka.ts';
import { isRedisReady, redisProcess } from './redis.ts';
import { isTemporalReady, temporalProcess } from './temporal.ts';
import { isTrinoReady, trinoProcess } from './trino.ts';

/** The input of an engine's process definition. */
interface ProcessContext {
  /** Executable or folder, as its installer returned it. */
  readonly installPath: string;
  readonly ports: Ports;
  readonly paths: StackPaths;
  /** Whether Temporal stores its workflows on disk. */
  readonly durable: boolean;
  /** History events after which Temporal suggests continue-as-new; its own default is 4,096. */
  readonly continueAsNewAt?: number | undefined;
}

interface Engine {
  /** Environment variable with its address. */
  readonly variable: keyof Addresses;
  readonly ports: readonly PortName[];
  readonly process: (context: ProcessContext) => Promise<ProcessSpec>;
  /** Checks readiness over the engine's own protocol. Throws the reason when it does not respond. */
  readonly isReady: (addresses: Addresses) => Promise<boolean>;
  /** Work after each start of the engine, once it is ready. */
  readonly afterStart?: (addresses: Addresses) => Promise<void>;
}

const brokersOf = ({ KAFKA_BROKERS }: Addresses) => KAFKA_BROKERS.split(',');

/** The engines of the stack. */
const ENGINES = {
  redis: {
    variable: 'REDIS_URL',
    ports: ['redis'],
    process: ({ installPath, ports, paths }) =>
      Promise.resolve(redisProcess(installPath, ports.redis, paths)),
    isReady: ({ REDIS_URL }) => isRedisReady(REDIS_URL),
  },
  kafka: {
    variable: 'KAFKA_BROKERS',
    ports: ['kafka', 'kafkaController'],
    process: async ({ installPath: folder, ports, paths }) => {
      const node = { id: 1, port: ports.kafka, controllerPort: ports.kafkaController };
      const options = { node, nodes: [node], clusterId: newClusterId(), maxHeapMb: 512 };
      return kafkaProcess({ folder, javaHome: await javaHome('kafka'), ...options }, paths);
    },
    isReady: (addresses) => isKafkaReady(brokersOf(addresses)),
    afterStart: (addresses) => createMissingTopics(brokersOf(addresses)),
  },
  trino: {
    variable: 'TRINO_URL',
    ports: ['trino'],
    process: async ({ installPath: folder, ports, paths }) =>
      trinoProcess({ folder, javaHome: await javaHome('trino'), port: ports.trino }, paths),
    isReady: ({ TRINO_URL }) => isTrinoReady(TRINO_URL),
  },
  temporal: {
    variable: 'TEMPORAL_ADDRESS',
    ports: ['temporal', 'temporalUi'],
    process: ({ installPath: executable, ports, paths, durable, continueAsNewAt }) =>
      Promise.resolve(
        temporalProcess(
          { executable, port: ports.temporal, uiPort: ports.temporalUi, durable, continueAsNewAt },
          paths,
        ),
      ),
    isReady: ({ TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE }) =>
      isTemporalReady(TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE),
  },
} as const satisfies Record<string, Engine>;

export type EngineName = keyof typeof ENGINES;
export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[];

/** @returns the definition of an engine, typed with its optional members */
export const engine = (name: EngineName): Engine => ENGINES[name];

/** @throws StackError when there is no JDK that is new enough for the engine */
export async function javaHome(name: 'kafka' | 'trino'): Promise<string> {
  const jdk = await findJdk(MINIMUM_JAVA[name]);
  if (!jdk) throw new StackError(noJdkMessage(name, MINIMUM_JAVA[name]));
  return jdk.home;
}
