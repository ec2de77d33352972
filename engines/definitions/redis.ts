import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisNodes } from '../../domain/values/redis-nodes.ts';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';

/** Redis with the settings of docs/contract.md: append-only file synced every second, 512 MB, allkeys-lru. */
export function redisProcess(executable: string, port: number, paths: StackPaths): ProcessSpec {
  const data = paths.data('redis');
  const configFile = join(data, 'redis.conf');
  return {
    name: 'redis',
    title: 'Redis',
    command: executable,
    args: [configFile],
    startSeconds: 30,
    stopSeconds: 10,
    prepare: async () => {
      await mkdir(data, { recursive: true });
      await writeFile(configFile, redisConfig(port, data));
    },
    isReady: () => isRedisReady(`redis://127.0.0.1:${port}`),
  };
}

function redisConfig(port: number, data: string): string {
  return `bind 127.0.0.1
port ${port}
dir "${data}"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 512mb
maxmemory-policy allkeys-lru
`;
}

/** @returns true when Redis answers PING @throws Error with the reason when it does not */
export async function isRedisReady(url: string): Promise<boolean> {
  // For a reused cluster it is enough to check its first node.
  const redis = new Redis(redisNodes(url)[0] ?? url, {
    protocol: 2,
    lazyConnect: true,
    connectTimeout: 2000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // connect() rejects with "Connection is closed" only; the error event has the reason.
  let reason: Error | undefined;
  redis.on('error', (error: Error) => (reason = error));
  try {
    await redis.connect();
    return (await redis.ping()) === 'PONG';
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}
