import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { score } from '../../../domain/entities/score.ts';
import {
  cacheStatus,
  startApi,
  TOKEN,
  UNREACHABLE_ADDRESS,
  withToken,
  type RunningApi,
} from '../../support/api.ts';
import { profileEntries, scoreAt } from '../../support/cache-values.ts';
import { startLocalReader } from '../../support/local-reader.ts';
import { startSingleRedis } from '../../support/redis-cluster.ts';
import { connectTo } from '../../support/redis-targets.ts';
import { startRelay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';

let servers: Awaited<ReturnType<typeof startSingleRedis>>;
let redis: RedisClient;
beforeAll(async () => {
  servers = await startSingleRedis();
  redis = await connectTo(servers.url);
});
afterEach(() => redis.flushall());
afterAll(async () => {
  await closeRedis(redis);
  await servers.stop();
});

test('a reply that is older than a write is not kept, also when the report of the write is faster', async () => {
  const write = (followers: number) => writeEntries(redis, profileEntries(['kol-7'], followers));
  const relay = await startRelay(new URL(servers.url).host);
  // A client for work: one that serves does not wait for a reply that is held.
  const tracked = await connectTo(`redis://127.0.0.1:${relay.port}`, 'work');
  const { tier, read, close } = await startLocalReader(servers.url, { tracked });
  try {
    await until('changes are tracked', () => Promise.resolve(tier.beginRead([]) !== undefined));
    await write(7);
    relay.hold('followers_count');
    const reading = read('kol-7');
    await until('the reply is on its way', () => Promise.resolve(relay.isHolding()));
    const watch = tier.watch([profile.key('kol-7')]);
    await write(8);
    await until('the write is reported', () => Promise.resolve(watch?.changed.aborted === true));
    relay.release();
    expect(await reading).toEqual(['hit', 7]);
    expect(await read('kol-7')).toEqual(['hit', 8]);
    expect(await read('kol-7')).toEqual(['local-hit', 8]);
  } finally {
    await close();
    await relay.close();
  }
});

test('the API sends over the tracked connection only reads whose values L1 may keep, and leases', async () => {
  const api = await startApi({
    REDIS_URL: servers.url,
    TRINO_URL: `http://${UNREACHABLE_ADDRESS}`,
    API_TOKEN: TOKEN,
    API_L1_MEGABYTES: '8',
    API_RATE_LIMIT: '1000',
  });
  try {
    await writeEntries(redis, [
      ...profileEntries(['kol-1', 'kol-2', 'kol-3']),
      score.toEntry(scoreAt('kol-1', 1)),
    ]);
    await until('a value is local', async () =>
      (cacheStatus(await api.get('/api/v1/kols/kol-1')) ?? '').startsWith('kol-l1; hit'),
    );
    const commands = await trackedCommands(() => useEverything(api));
    expect([...commands.keys()].sort()).toEqual(['get', 'hgetall', 'lease', 'lrange', 'pttl', 'zrevrange']);
    const values = /^(kol|content|stats):|^\{(kol|content|stats):\S+\}:read-at$/;
    for (const [name, keys] of commands)
      for (const key of keys)
        expect([name, key]).toEqual([
          name,
          expect.stringMatching(name === 'lease' ? /^cache:lock:/ : values),
        ]);
  } finally {
    await api.close();
  }
});

/** The keys of the commands that Redis receives over the tracked connection during some work, by command. */
async function trackedCommands(work: () => Promise<void>): Promise<Map<string, Set<string>>> {
  const [, address] = / addr=(\S+) .* flags=\w*t/.exec(String(await redis.client('LIST'))) ?? [];
  const commands = new Map<string, Set<string>>();
  const monitor = await connectMonitor();
  let hasEnded = false;
  monitor.on('monitor', (_time: string, [name = '', ...args]: string[], source: string) => {
    hasEnded ||= args.includes(END);
    if (source !== address) return;
    // The scripts that take leases are called with their hash or their code, and the number of their keys.
    const [command, key = ''] = name.startsWith('eval') ? ['lease', args[2]] : [name, args[0]];
    commands.set(command, (commands.get(command) ?? new Set()).add(key));
  });
  await work();
  await redis.get(END);
  await until('all commands were seen', () => Promise.resolve(hasEnded));
  monitor.disconnect();
  return commands;
}
const END = 'test:end';

async function connectMonitor() {
  const [node] = servers.masters;
  if (node === undefined) throw new Error('there is no Redis');
  return node.redis.monitor();
}

async function useEverything(api: RunningApi): Promise<void> {
  for (const path of [
    'kols/kol-2',
    'kols/not-cached',
    'kols?ids=kol-1,kol-3,not-cached',
    'kols/top',
    'kols?platform=tiktok',
    'kols/kol-1/score',
    'scores?ids=kol-1',
    'kols/kol-1/content',
    'content/c-1',
    'content/trending',
    'stats',
    'search?q=kol',
    'search/suggest?prefix=k',
    'users/u-1/searches',
    'cache/status',
    'cache/switches',
  ])
    await api.get(`/api/v1/${path}`, withToken);
  await api.get('/readyz');
  await api.get('/api/v1/kols/kol-2', { 'cache-control': 'no-cache', ...withToken });
  await api.send('PATCH', '/api/v1/cache/switches', { early_refresh: false }, withToken);
  await api.send('POST', '/api/v1/cache/invalidate', { kinds: ['profile'], ids: ['kol-2'] }, withToken);
  await api.send('DELETE', '/api/v1/kols/kol-3', undefined, withToken);
}
