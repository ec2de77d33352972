import { randomBytes } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { runTool } from '../install/run-tool.ts';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';

/** The topics of the system and how many partitions each has. */
export const TOPICS = {
  'kol.profiles.raw': 6,
  'kol.videos.raw': 6,
  'scores.stream': 6,
  'kol.profiles.raw.dlq': 1,
  'kol.videos.raw.dlq': 1,
  'kol.scoring.ledger': 1,
} as const satisfies Record<string, number>;

/** A dead letter is its record and more: its topic takes larger ones than the inputs' 1 MB (docs/dead-letters.md). */
const DEAD_LETTER_TOPIC = [{ name: 'max.message.bytes', value: String(2 * 1024 * 1024) }];

export interface KafkaPlace {
  /** Folder whose `lib` holds Kafka's jars. */
  readonly folder: string;
  readonly javaHome: string;
  readonly port: number;
  readonly controllerPort: number;
}

/** One Kafka node that is broker and controller in one. Its topics are made by `createTopics`. */
export function kafkaProcess(place: KafkaPlace, paths: StackPaths): ProcessSpec {
  const data = paths.data('kafka');
  const java = join(place.javaHome, 'bin', 'java');
  const classPath = join(place.folder, 'lib', '*');
  const properties = join(data, 'server.properties');
  const logging = join(data, 'log4j2.properties');
  const common = [`-Dlog4j2.configurationFile=${logging}`, '-cp', classPath];
  return {
    name: 'kafka',
    title: 'Kafka',
    command: java,
    args: [
      '-Xms128m',
      '-Xmx512m',
      '-XX:+UseSerialGC',
      '-Djava.awt.headless=true',
      ...common,
      'kafka.Kafka',
      properties,
    ],
    startSeconds: 90,
    stopSeconds: 30,
    prepare: async () => {
      await mkdir(data, { recursive: true });
      await writeFile(properties, kafkaProperties(place, join(data, 'log')));
      await writeFile(logging, LOGGING);
      if (await isFormatted(join(data, 'log'))) return;
      const id = randomBytes(16).toString('base64url').replace(/^-/, 'K');
      await runTool(java, [
        '-XX:TieredStopAtLevel=1',
        ...common,
        'kafka.tools.StorageTool',
        'format',
        '-t',
        id,
        '-c',
        properties,
      ]);
    },
    isReady: () => kafkaAnswers([`127.0.0.1:${place.port}`]),
  };
}

function kafkaProperties({ port, controllerPort }: KafkaPlace, log: string): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
log.dirs=${log}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
`;
}

const LOGGING = `rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
`;

const isFormatted = (log: string) =>
  stat(join(log, 'meta.properties')).then(
    () => true,
    () => false,
  );

/** @returns true when a broker lists its topics; throws why it does not */
export async function kafkaAnswers(brokers: readonly string[]): Promise<boolean> {
  return withAdmin(brokers, 0, async (admin) => {
    await admin.listTopics();
    return true;
  });
}

/** Makes the topics that are not there yet; those that are stay as they are. Afterwards groups can be coordinated. */
export async function createTopics(brokers: readonly string[]): Promise<void> {
  await withAdmin(brokers, 10, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = Object.entries(TOPICS).filter(([topic]) => !existing.has(topic));
    // A fresh broker makes its coordinator when first asked for it, and refuses whoever asks meanwhile.
    await admin.describeGroups(['local-stack']);
    if (missing.length === 0) return;
    const { brokers: nodes } = await admin.describeCluster();
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map(([topic, numPartitions]) => ({
        topic,
        numPartitions,
        replicationFactor: Math.min(3, nodes.length),
        configEntries: topic.endsWith('.dlq') ? DEAD_LETTER_TOPIC : [],
      })),
    });
  });
}

async function withAdmin<T>(
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
