import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisNodes } from '../../domain/values/redis-nodes.ts';
import type { ProcessSpec } from '../supervision/managed-process.ts';
import type { StackPaths } from '../paths.ts';

/** Redis with the settings of the cache's contract: append-only file synced every second, 512 MB, allkeys-lru. */
export function redisProcess(executable: string, port: number, paths: StackPaths): ProcessSpec {
  const data = paths.data('redis');
  const configuration = join(data, 'redis.conf');
  return {
    name: 'redis',
    title: 'Redis',
    command: executable,
    args: [configuration],
    startSeconds: 30,
    stopSeconds: 10,
    prepare: async () => {
      await mkdir(data, { recursive: true });
      await writeFile(configuration, redisConfiguration(port, data));
    },
    isReady: () => redisAnswers(`redis://127.0.0.1:${port}`),
  };
}

function redisConfiguration(port: number, data: string): string {
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

/** @returns true when a Redis answers PING; throws why it does not */
export async function redisAnswers(url: string): Promise<boolean> {
  // Of a cluster that is already there, any node will do.
  const redis = new Redis(redisNodes(url)[0] ?? url, {
    protocol: 2,
    lazyConnect: true,
    connectTimeout: 2000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // connect() rejects with "Connection is closed"; the reason comes as this event.
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
