import { Redis } from 'ioredis';
import { profile } from '../../domain/entities/profile.ts';
import { ranking } from '../../domain/entities/ranking.ts';
import { apiProgram, BUILT_API, isHttpOk, nodeProgram } from '../../engines/programs.ts';
import { someFreePorts } from '../../engines/ports.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import type { Bench } from '../run-bench.ts';
import type { Target } from './measure-load.ts';

export const PROFILE_PATH = '/api/v1/kols/annLive7ddy';
export const TOP_PATH = '/api/v1/kols/top';

/** Profiles of the usual size in Redis. */
export const BULK_IDS = Array.from({ length: 100 }, (_, index) => `bulk${index}`);

/** The input of each part of the benchmark. */
export interface ReadBench {
  readonly bench: Bench;
  readonly servers: ReadServers;
  readonly rounds: number;
  /** Length of a round. */
  readonly seconds: number;
  /** Options of Node for the API. */
  readonly profiling: readonly string[];
}

/** Starts servers for a benchmark of reads. */
export interface ReadServers {
  /** The API with these settings. @param nodeOptions options of Node, such as --cpu-prof */
  readonly api: (name: string, env: NodeJS.ProcessEnv, nodeOptions?: readonly string[]) => Promise<Target>;
  /** A bare server, see baseline-server.ts. @param path what requests ask for */
  readonly baseline: (name: string, kind: string, source: string, path: string) => Promise<Target>;
}

/** Writes what the benchmark reads to Redis. */
export async function startReadServers({ stack, atEnd }: Bench): Promise<ReadServers> {
  await writeValues(stack.addresses.REDIS_URL);
  async function start(spec: ConstructorParameters<typeof ManagedProcess>[0]): Promise<number> {
    const server = new ManagedProcess(spec, stack.paths);
    await server.start();
    atEnd(() => server.stop());
    return server.pid ?? Number.NaN;
  }
  const newUrl = async () => `http://127.0.0.1:${(await someFreePorts(1))[0]}`;
  return {
    async api(name, env, nodeOptions = []) {
      const url = await newUrl();
      const settings = {
        ...stack.addresses,
        ML_API_URL: 'http://127.0.0.1:1',
        API_PORT: new URL(url).port,
        ...env,
      };
      const spec = apiProgram(settings, url, BUILT_API);
      return { name, url, pid: await start({ ...spec, name, args: [...nodeOptions, ...spec.args] }) };
    },
    async baseline(name, kind, source, path) {
      const url = await newUrl();
      const spec = nodeProgram({
        name,
        title: name,
        file: 'bench/reads/baseline-server.ts',
        env: {},
        isReady: () => isHttpOk(new URL(path, url)),
      });
      const args = [...spec.args, kind, new URL(url).port, source];
      return { name, url: url + path, pid: await start({ ...spec, args }) };
    },
  };
}

/** Profiles of the usual size, and a ranking of 100 KOLs. */
async function writeValues(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl, { protocol: 2 });
  const kolIds = [PROFILE_PATH.split('/').at(-1) ?? '', ...BULK_IDS];
  for (const entry of kolIds.map(profileEntry)) {
    await redis.hset(entry.key, entry.fields);
    await redis.expire(entry.key, entry.ttlSeconds);
  }
  const top = ranking.key('followers', 'all', 100);
  await redis.zadd(
    top,
    ...Array.from({ length: 100 }, (_, index) => [9e7 - index * 12_345, `kol${index}`]).flat(),
  );
  await redis.expire(top, 86_400);
  await redis.quit();
}

function profileEntry(kolId: string) {
  const value = {
    ...profile.fromHash({ kol_id: kolId }),
    platform: 'twitter',
    username: kolId,
    display_name: 'Đặng Thùy Hải',
    bio: 'Liên hệ công việc: hello@example.com\nHà Nội',
    followers_count: 125_222_338,
    following_count: 139,
    post_count: 4896,
    verified: false,
    category: 'music',
    profile_url: `https://twitter.com/${kolId}`,
    account_created_at: '2016-06-22T11:48:43Z',
    source: 'twitter_api',
    processed_at: '2026-11-25T12:32:27Z',
  };
  const entry = profile.toEntry(kolId, value, new Date().toISOString());
  if (entry.type !== 'hash') throw new Error('a profile is cached as a hash');
  return entry;
}
