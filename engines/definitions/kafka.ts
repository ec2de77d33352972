import { randomBytes } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { createTopics } from '../create-topics.ts';
import { INPUT_TOPICS } from '../../domain/scoring/topics.ts';
import { deadLetterTopic, LEDGER_TOPIC, SCORES_TOPIC } from '../../domain/scoring/output-record.ts';
import { runTool } from '../install/run-tool.ts';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';

const inputTopics = INPUT_TOPICS.map(({ topic }) => topic);
const deadLetterTopics = inputTopics.map(deadLetterTopic);

/** Number of partitions of each topic of the system. deploy/create-topics.sh creates the same topics. */
export const TOPICS: Readonly<Record<string, number>> = Object.fromEntries([
  ...[...inputTopics, SCORES_TOPIC].map((topic) => [topic, 6] as const),
  ...[...deadLetterTopics, LEDGER_TOPIC].map((topic) => [topic, 1] as const),
]);

/**
 * A dead letter contains the rejected record and its error, so its topic accepts larger messages than the input topics with their
 * 1 MB (docs/dead-letters.md).
 */
export const DEAD_LETTER_MAX_BYTES = 2 * 1024 * 1024;

const MAX_REPLICAS = 3;

/** A node in KRaft mode that is broker and controller. */
export interface KafkaNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
}

interface KafkaOptions {
  /** Folder with Kafka's jars in `lib`. */
  readonly folder: string;
  readonly javaHome: string;
  /** The node that this process runs. */
  readonly node: KafkaNode;
  /** All nodes of its cluster. */
  readonly nodes: readonly KafkaNode[];
  /** Used when the data folder of the node is empty. */
  readonly clusterId: string;
  readonly maxHeapMb: number;
  /** Further settings of every node. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** One Kafka node, alone or in a cluster. `createMissingTopics` creates its topics. */
export function kafkaProcess(options: KafkaOptions, paths: StackPaths): ProcessSpec {
  const { node, nodes, clusterId } = options;
  const isAlone = nodes.length === 1;
  const name = isAlone ? 'kafka' : `kafka-${node.id}`;
  const data = paths.data(name);
  const java = join(options.javaHome, 'bin', 'java');
  const classPath = join(options.folder, 'lib', '*');
  const properties = join(data, 'server.properties');
  const logging = join(data, 'log4j2.properties');
  const common = [`-Dlog4j2.configurationFile=${logging}`, '-cp', classPath];
  return {
    name,
    title: isAlone ? 'Kafka' : `Kafka node ${node.id}`,
    command: java,
    args: [
      '-Xms128m',
      `-Xmx${options.maxHeapMb}m`,
      '-XX:+UseSerialGC',
      // Nodes that restart while the others run on the same cores: less time in the compiler.
      ...(isAlone ? [] : ['-XX:TieredStopAtLevel=1']),
      '-Djava.awt.headless=true',
      ...common,
      'kafka.Kafka',
      properties,
    ],
    startSeconds: 90,
    stopSeconds: 30,
    prepare: async () => {
      await mkdir(data, { recursive: true });
      await writeFile(properties, kafkaProperties(options, join(data, 'log')));
      await writeFile(logging, LOGGING_PROPERTIES);
      if (await isFormatted(join(data, 'log'))) return;
      await runTool(java, [
        '-XX:TieredStopAtLevel=1',
        ...common,
        'kafka.tools.StorageTool',
        'format',
        '-t',
        clusterId,
        '-c',
        properties,
      ]);
    },
    isReady: () => isKafkaReady([`127.0.0.1:${node.port}`]),
  };
}

/** Kafka's command line would read a cluster id with a leading dash as an option. */
export const newClusterId = (): string => randomBytes(16).toString('base64url').replace(/^-/, 'K');

/** A cluster keeps as many replicas as one in production, and accepts a write when all but one of them have it. */
function kafkaProperties({ node, nodes, settings = {} }: KafkaOptions, logFolder: string): string {
  const voters = nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`);
  const replicas = Math.min(MAX_REPLICAS, nodes.length);
  const inSync = Math.max(1, replicas - 1);
  return `process.roles=broker,controller
node.id=${node.id}
controller.quorum.voters=${voters.join(',')}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${node.port}
log.dirs=${logFolder}
auto.create.topics.enable=false
default.replication.factor=${replicas}
min.insync.replicas=${inSync}
offsets.topic.replication.factor=${replicas}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=${replicas}
transaction.state.log.min.isr=${inSync}
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
${Object.entries(settings)
  .map(([name, value]) => `${name}=${value}\n`)
  .join('')}`;
}

const LOGGING_PROPERTIES = `rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
`;

const isFormatted = (logFolder: string) =>
  stat(join(logFolder, 'meta.properties')).then(
    () => true,
    () => false,
  );

/** @returns true when a broker lists its topics @throws Error with the reason when it does not */
export async function isKafkaReady(brokers: readonly string[]): Promise<boolean> {
  return withAdmin(brokers, 0, async (admin) => {
    await admin.listTopics();
    return true;
  });
}

/** Creates the missing topics and leaves existing ones unchanged. Afterwards the broker can coordinate consumer groups. */
export async function createMissingTopics(brokers: readonly string[]): Promise<void> {
  await withAdmin(brokers, 10, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = Object.entries(TOPICS).filter(([topic]) => !existing.has(topic));
    // A new broker creates its group coordinator at the first request, and rejects other requests until the coordinator is ready.
    await admin.describeGroups(['local-stack']);
    if (missing.length === 0) return;
    const { brokers: nodes } = await admin.describeCluster();
    await createTopics(
      admin,
      missing.map(([topic, numPartitions]) => ({
        topic,
        numPartitions,
        replicationFactor: Math.min(MAX_REPLICAS, nodes.length),
        configEntries: deadLetterTopics.includes(topic)
          ? [{ name: 'max.message.bytes', value: String(DEAD_LETTER_MAX_BYTES) }]
          : [],
      })),
    );
  });
}

/** Runs some work with an admin client that is connected only for this work. */
export async function withAdmin<T>(
  brokers: readonly string[],
  retries: number,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const kafka = new kafkajs.Kafka({
    clientId: 'local-stack',
    brokers: [...brokers],
    connectionTimeout: 2000,
    requestTimeout: 10_000,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 1000 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
