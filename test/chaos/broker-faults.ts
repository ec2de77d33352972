import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withAdmin } from '../../engines/definitions/kafka.ts';
import { signalProcess } from '../../engines/supervision/send-signal.ts';
import type { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { kafkaTool } from '../support/kafka-tool.ts';
import { until } from '../support/until.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { retryWhileDown } from './retry-while-down.ts';

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

/** Waits until the system works, by the brokers that are not frozen (`host:port`). */
type UntilItWorks = (brokers: readonly string[]) => Promise<void>;

/**
 * Injects one fault and waits until all replicas are in sync. The faults of consecutive rounds differ: a broker is frozen, stopped
 * or killed and then runs again, and leaders are moved while all brokers run. Each broker gets its turn, with each fault.
 * @param untilItWorks called while a broker is frozen: it must not stop the system
 */
export async function injectBrokerFault(
  cluster: KafkaCluster,
  round: number,
  untilItWorks: UntilItWorks,
): Promise<BrokerFaultResult> {
  const before = await placements(cluster);
  const name = await inject(cluster, round, untilItWorks);
  await cluster.untilHealthy();
  const leaders = new Map(before.map((placement) => [keyOf(placement), placement.leader]));
  const after = await placements(cluster);
  return {
    name,
    movedLeaders: after.filter((placement) => leaders.get(keyOf(placement)) !== placement.leader).length,
  };
}

async function inject(cluster: KafkaCluster, round: number, untilItWorks: UntilItWorks): Promise<string> {
  if (round % 2 === 1) return round % 4 === 1 ? electPreferredLeaders(cluster) : swapLeaders(cluster);
  const turn = round / 2;
  const { length } = cluster.nodes;
  const index = turn % length;
  const node = cluster.nodes[index];
  if (node === undefined) throw new Error('unreachable: an index of a node');
  const fault = (['freeze', 'stop', 'kill'] as const)[(turn + Math.floor(turn / length)) % 3];
  if (fault === 'freeze') {
    const others = cluster.brokers.split(',').filter((_, other) => other !== index);
    await whileFrozen([node], async () => {
      await untilExcluded(others);
      await untilItWorks(others);
    });
    return `${node.spec.title} frozen and continued`;
  }
  await (fault === 'kill' ? node.kill() : node.stop());
  await node.start();
  return `${node.spec.title} ${fault === 'kill' ? 'killed' : 'stopped'} and started`;
}

/** Waits until the cluster has only these brokers, and has moved the leaders to them. */
const untilExcluded = (brokers: readonly string[]): Promise<void> =>
  until(`the cluster has ${brokers.length} brokers`, () =>
    retryWhileDown(() =>
      withAdmin(
        brokers,
        0,
        async (admin) => (await admin.describeCluster()).brokers.length === brokers.length,
      ),
    ),
  );

/** Runs some work while brokers are frozen: they accept connections, and answer nothing. */
export async function whileFrozen(
  nodes: readonly ManagedProcess[],
  work: () => Promise<void>,
): Promise<void> {
  const pids = nodes.flatMap(({ pid }) => pid ?? []);
  pids.forEach((pid) => signalProcess(pid, 'SIGSTOP'));
  try {
    await work();
  } finally {
    pids.forEach((pid) => signalProcess(pid, 'SIGCONT'));
  }
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
