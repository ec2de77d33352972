import type { Addresses } from '../addresses.ts';
import { StackError } from '../errors.ts';
import { findJdk, noJdkSentence } from '../install/java.ts';
import { MINIMUM_JAVA } from '../install/versions.ts';
import { createTopics, kafkaAnswers, kafkaProcess } from './kafka.ts';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';
import type { PortName, Ports } from '../ports.ts';
import { redisAnswers, redisProcess } from './redis.ts';
import { temporalAnswers, temporalProcess } from './temporal.ts';
import { trinoAnswers, trinoProcess } from './trino.ts';

/** What a process of an engine is made from. */
interface Setting {
  /** Executable or folder, as the installer returned it. */
  readonly place: string;
  readonly ports: Ports;
  readonly paths: StackPaths;
  /** Whether what the engine holds outlives it. */
  readonly durable: boolean;
  readonly continueAsNewAt?: number | undefined;
}

interface Engine {
  /** Variable that holds its address. */
  readonly variable: keyof Addresses;
  readonly ports: readonly PortName[];
  readonly process: (setting: Setting) => Promise<ProcessSpec>;
  /** Asks it over its own protocol; throws why it does not answer. */
  readonly answers: (addresses: Addresses) => Promise<boolean>;
  /** What it needs once it answers; done again at each start. */
  readonly finish?: (addresses: Addresses) => Promise<void>;
}

const brokers = ({ KAFKA_BROKERS }: Addresses) => KAFKA_BROKERS.split(',');

/** The engines of the stack. */
export const ENGINES = {
  redis: {
    variable: 'REDIS_URL',
    ports: ['redis'],
    process: ({ place, ports, paths }) => Promise.resolve(redisProcess(place, ports.redis, paths)),
    answers: ({ REDIS_URL }) => redisAnswers(REDIS_URL),
  },
  kafka: {
    variable: 'KAFKA_BROKERS',
    ports: ['kafka', 'kafkaController'],
    process: async ({ place, ports, paths }) => {
      const { kafka: port, kafkaController: controllerPort } = ports;
      return kafkaProcess({ folder: place, javaHome: await javaHome('kafka'), port, controllerPort }, paths);
    },
    answers: (addresses) => kafkaAnswers(brokers(addresses)),
    finish: (addresses) => createTopics(brokers(addresses)),
  },
  trino: {
    variable: 'TRINO_URL',
    ports: ['trino'],
    process: async ({ place, ports, paths }) =>
      trinoProcess({ folder: place, javaHome: await javaHome('trino'), port: ports.trino }, paths),
    answers: ({ TRINO_URL }) => trinoAnswers(TRINO_URL),
  },
  temporal: {
    variable: 'TEMPORAL_ADDRESS',
    ports: ['temporal', 'temporalUi'],
    process: ({ place: executable, ports, paths, durable, continueAsNewAt }) =>
      Promise.resolve(
        temporalProcess(
          { executable, port: ports.temporal, uiPort: ports.temporalUi, durable, continueAsNewAt },
          paths,
        ),
      ),
    answers: ({ TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE }) =>
      temporalAnswers(TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE),
  },
} as const satisfies Record<string, Engine>;

export type EngineName = keyof typeof ENGINES;
export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[];

/** @returns the engine's definition, with its optional parts */
export const engine = (name: EngineName): Engine => ENGINES[name];

async function javaHome(name: 'kafka' | 'trino'): Promise<string> {
  const jdk = await findJdk(MINIMUM_JAVA[name]);
  if (!jdk) throw new StackError(noJdkSentence(name, MINIMUM_JAVA[name]));
  return jdk.home;
}
