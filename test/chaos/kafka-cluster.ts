import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { javaHome } from '../../engines/definitions/engines.ts';
import {
  createMissingTopics,
  kafkaProcess,
  newClusterId,
  withAdmin,
  type KafkaNode,
} from '../../engines/definitions/kafka.ts';
import { installEngines } from '../../engines/install/install-engines.ts';
import type { StackPaths } from '../../engines/paths.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { until } from '../support/until.ts';

/** Each node of a cluster. A single node has more, because it leads every partition. */
const CLUSTER_HEAP_MB = 400;
const SINGLE_HEAP_MB = 512;
const HEALTH_INTERVAL_MS = 250;

interface KafkaClusterOptions {
  readonly paths: StackPaths;
  /** Two free ports for each node. */
  readonly ports: readonly number[];
  /** The Kafka to run. */
  readonly version?: 'kafka' | 'kafka39';
  /** Further settings of every node. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Brokers that a test may stop, kill and start again. They keep their data and ports. */
export interface KafkaCluster {
  /** As KAFKA_BROKERS names it. */
  readonly brokers: string;
  readonly nodes: readonly ManagedProcess[];
  /** Waits until every partition has a leader and all its replicas are in sync. */
  untilHealthy(): Promise<void>;
  /** Kills the nodes: their data is not used again. */
  stop(): Promise<void>;
}

/** Starts empty nodes, which are brokers and controllers, as children of this process, and creates the topics of the system. */
export async function startKafkaCluster(options: KafkaClusterOptions): Promise<KafkaCluster> {
  const { paths, ports, version = 'kafka', settings = {} } = options;
  const { [version]: folder } = await installEngines([version], { report: () => {} });
  const nodes = Array.from({ length: ports.length / 2 }, (_, index): KafkaNode => {
    const [port = 0, controllerPort = 0] = ports.slice(2 * index);
    return { id: index + 1, port, controllerPort };
  });
  const shared = {
    ...{ folder, nodes, javaHome: await javaHome('kafka'), clusterId: newClusterId(), settings },
    maxHeapMb: nodes.length > 1 ? CLUSTER_HEAP_MB : SINGLE_HEAP_MB,
  };
  const processes = nodes.map((node) => new ManagedProcess(kafkaProcess({ ...shared, node }, paths), paths));
  const brokers = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const cluster: KafkaCluster = {
    brokers: brokers.join(','),
    nodes: processes,
    untilHealthy: () => untilHealthy(brokers),
    async stop() {
      await Promise.all(processes.map((process) => process.kill()));
    },
  };
  for (const { spec } of processes) await rm(paths.data(spec.name), { recursive: true, force: true });
  try {
    await Promise.all(processes.map((process) => process.start()));
    // A topic has as many replicas as there are brokers when it is created.
    await cluster.untilHealthy();
    await createMissingTopics(brokers);
    await cluster.untilHealthy();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

const untilHealthy = (brokers: readonly string[]): Promise<void> =>
  until(
    `all replicas are in sync on ${brokers.length} brokers`,
    async () => {
      await sleep(HEALTH_INTERVAL_MS);
      // Requests fail while a broker is not up or a partition has no leader.
      return isHealthy(brokers).catch(() => false);
    },
    120,
  );

const isHealthy = (brokers: readonly string[]): Promise<boolean> =>
  withAdmin(brokers, 0, async (admin) => {
    const cluster = await admin.describeCluster();
    const { topics } = await admin.fetchTopicMetadata();
    return (
      cluster.brokers.length === brokers.length &&
      topics.every(({ partitions }) =>
        partitions.every(({ isr, replicas }) => isr.length === replicas.length),
      )
    );
  });
