import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withAdmin } from '../../engines/definitions/kafka.ts';
import { kafkaTool } from '../support/kafka-tool.ts';
import type { KafkaCluster } from './kafka-cluster.ts';

/** A partition, and its replicas. The first one is the preferred leader. */
interface Placement {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
}

/** The effect of a fault. */
export interface BrokerFaultResult {
  readonly name: string;
  /** Partitions that had another leader afterwards. */
  readonly movedLeaders: number;
}

/**
 * Injects one fault and waits until all replicas are in sync. The faults of consecutive rounds differ: a broker is stopped or
 * killed and started again, and leaders are moved while all brokers run. Each broker gets its turn.
 */
export async function injectBrokerFault(cluster: KafkaCluster, round: number): Promise<BrokerFaultResult> {
  const before = await placements(cluster);
  const name = await inject(cluster, round);
  await cluster.untilHealthy();
  const leaders = new Map(before.map((placement) => [keyOf(placement), placement.leader]));
  const after = await placements(cluster);
  return {
    name,
    movedLeaders: after.filter((placement) => leaders.get(keyOf(placement)) !== placement.leader).length,
  };
}

async function inject(cluster: KafkaCluster, round: number): Promise<string> {
  if (round % 2 === 1) return round % 4 === 1 ? electPreferredLeaders(cluster) : swapLeaders(cluster);
  const index = (round / 2) % cluster.nodes.length;
  const node = cluster.nodes[index];
  if (node === undefined) throw new Error('unreachable: an index of a node');
  const isKill = round % 4 === 2;
  await (isKill ? node.kill() : node.stop());
  await node.start();
  return `${node.spec.title} ${isKill ? 'killed' : 'stopped'} and started`;
}

/** Gives each partition its preferred leader. After a restart, this moves a third of the leaders to the restarted broker. */
async function electPreferredLeaders(cluster: KafkaCluster): Promise<string> {
  const election = ['--election-type', 'preferred', '--all-topic-partitions'];
  await kafkaTool('LeaderElectionCommand', ['--bootstrap-server', cluster.brokers, ...election]);
  return 'preferred leaders elected';
}

/** Makes the second replica of each partition its leader, also for the internal topics with their coordinators. */
async function swapLeaders(cluster: KafkaCluster): Promise<string> {
  const partitions = (await placements(cluster)).map(
    ({ topic, partition, replicas: [first, ...others] }) => ({
      topic,
      partition,
      replicas: [...others, first],
    }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'kafka-reassignment-'));
  const file = join(folder, 'reassignment.json');
  try {
    await writeFile(file, JSON.stringify({ version: 1, partitions }));
    const reassignment = ['--reassignment-json-file', file, '--execute'];
    await kafkaTool('reassign.ReassignPartitionsCommand', [
      ...['--bootstrap-server', cluster.brokers],
      ...reassignment,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await electPreferredLeaders(cluster);
  return 'leaders moved to the next replica';
}

const placements = (cluster: KafkaCluster): Promise<Placement[]> =>
  withAdmin(cluster.brokers.split(','), 10, async (admin) =>
    (await admin.fetchTopicMetadata()).topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionId, leader, replicas }) => ({
        ...{ topic: name, partition: partitionId },
        ...{ leader, replicas },
      })),
    ),
  );

const keyOf = ({ topic, partition }: Placement): string => `${topic}/${partition}`;
