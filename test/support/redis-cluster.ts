import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { installEngines } from '../../engines/install/install-engines.ts';
import { someFreePorts } from '../../engines/ports.ts';
import { until } from './until.ts';

/** A redis-server that only one test file uses. */
export interface RedisNode {
  /** As REDIS_URL names it. */
  readonly url: string;
  readonly port: number;
  /** Connected to this node only. */
  readonly redis: Redis;
  /** Kills the process with SIGKILL. */
  readonly kill: () => Promise<void>;
  /** Stops the process with SIGSTOP: its connections stay open, and nothing answers. */
  readonly hang: () => void;
}

const SLOTS = 16_384;

/** Starts redis-servers on free ports, in a temporary folder; `stop` kills them and removes the folder. */
async function startServers(count: number, cluster: boolean, more: Readonly<Record<string, string>> = {}) {
  const { redis: executable } = await installEngines(['redis'], { report: () => {} });
  const folder = await mkdtemp(join(tmpdir(), 'redis-test-'));
  const ports = await someFreePorts(2 * count);
  const nodes: RedisNode[] = [];
  const stop = async () => {
    await Promise.all(nodes.map(({ kill }) => kill()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (let index = 0; index < count; index += 1) {
      const [port, busPort] = ports.splice(0, 2);
      if (port === undefined || busPort === undefined) throw new Error('found too few free ports');
      const dir = join(folder, String(port));
      await mkdir(dir);
      const settings = {
        bind: '127.0.0.1',
        port: String(port),
        dir,
        save: '',
        appendonly: 'no',
        ...more,
        ...(cluster
          ? { 'cluster-enabled': 'yes', 'cluster-port': String(busPort), 'cluster-node-timeout': '2000' }
          : {}),
      };
      // execa kills the server when this process exits, also when the test fails.
      const server = execa(
        executable,
        Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
        { stdio: 'ignore', reject: false },
      );
      const redis = new Redis(port, { protocol: 2, lazyConnect: true, maxRetriesPerRequest: null });
      redis.on('error', () => {}); // the server is not up yet, or was killed
      nodes.push({
        port,
        url: `redis://127.0.0.1:${port}`,
        redis,
        async kill() {
          redis.disconnect();
          server.kill('SIGKILL');
          await server;
        },
        hang: () => void server.kill('SIGSTOP'),
      });
    }
    await Promise.all(nodes.map(({ redis }) => redis.ping()));
    return { nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * A single Redis, not a cluster.
 * @param settings more settings, as redis.conf names them
 */
export async function startSingleRedis(settings: Readonly<Record<string, string>> = {}) {
  const { nodes, stop } = await startServers(1, false, settings);
  return { url: nodes[0]?.url ?? '', masters: nodes, stop };
}

/** A cluster of three masters, a fourth master without slots, and a replica of the first master. */
export async function startRedisCluster() {
  const { nodes, stop } = await startServers(5, true);
  try {
    const [first, second, third, spare, replica] = nodes as [
      RedisNode,
      RedisNode,
      RedisNode,
      RedisNode,
      RedisNode,
    ];
    const masters = [first, second, third];
    const bounds = [0, 1, 2, 3].map((part) => Math.floor((part * SLOTS) / 3));
    await Promise.all(nodes.map(({ redis }, index) => redis.cluster('SET-CONFIG-EPOCH', index + 1)));
    await Promise.all(
      masters.map(({ redis }, index) =>
        redis.call('CLUSTER', 'ADDSLOTSRANGE', bounds[index] ?? 0, (bounds[index + 1] ?? 0) - 1),
      ),
    );
    await Promise.all(
      nodes.slice(1).map(async ({ port, redis }) => {
        // With the bus port, because it is not the default (port + 10,000).
        const [, busPort] = await redis.config('GET', 'cluster-port');
        return first.redis.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort ?? '');
      }),
    );
    const allNodesReport = async (line: string) =>
      (await Promise.all(nodes.map(({ redis }) => redis.cluster('INFO')))).every((info) =>
        String(info).includes(line),
      );
    await until('the nodes know each other', () => allNodesReport(`cluster_known_nodes:${nodes.length}\r`));
    await replica.redis.cluster('REPLICATE', await nodeId(first));
    await until('the cluster works', () => allNodesReport('cluster_state:ok'));
    await until('the replica follows', async () =>
      (await replica.redis.info('replication')).includes('master_link_status:up'),
    );
    return { url: masters.map(({ url }) => url).join(','), masters, spare, replica, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
export type TestCluster = Awaited<ReturnType<typeof startRedisCluster>>;

const nodeId = async ({ redis }: RedisNode): Promise<string> => String(await redis.cluster('MYID'));

/** Moves a slot as redis-cli does, and calls `between` after each step. */
export async function moveSlot(
  slot: number,
  from: RedisNode,
  to: RedisNode,
  others: readonly RedisNode[],
  between: (step: 'opened' | 'half-moved' | 'moved') => Promise<void>,
): Promise<void> {
  const [fromId, toId] = await Promise.all([nodeId(from), nodeId(to)]);
  await to.redis.cluster('SETSLOT', slot, 'IMPORTING', fromId);
  await from.redis.cluster('SETSLOT', slot, 'MIGRATING', toId);
  await between('opened');
  const moveKeys = async (maxKeys: number) => {
    const keys = await from.redis.cluster('GETKEYSINSLOT', slot, maxKeys);
    for (const key of keys) await from.redis.migrate('127.0.0.1', to.port, key, 0, 5000);
    return keys.length;
  };
  await moveKeys(2);
  await between('half-moved');
  while ((await moveKeys(100)) > 0);
  await between('moved');
  for (const node of [to, from, ...others]) await node.redis.cluster('SETSLOT', slot, 'NODE', toId);
}
