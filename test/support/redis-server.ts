import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installEngines } from '../../engines/install/install-engines.ts';
import { someFreePorts } from '../../engines/ports.ts';
import { isRedisReady } from '../../engines/definitions/redis.ts';
import { until } from './until.ts';

/** A Redis that a test may kill. It keeps nothing on disk, so it is empty after a restart. */
export interface RedisServer {
  readonly url: string;
  /** Sends SIGKILL and starts it again on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  const { redis: executable } = await installEngines(['redis'], { report: () => {} });
  const [port] = await someFreePorts(1);
  const url = `redis://127.0.0.1:${port}`;
  const dir = await mkdtemp(join(tmpdir(), 'kol-redis-'));
  let server: ChildProcess;
  const start = async () => {
    server = spawn(
      executable,
      ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', dir, ...options],
      { stdio: 'ignore' },
    );
    await until('Redis answers', () => isRedisReady(url).catch(() => false));
  };
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  };
  await start();
  return {
    url,
    async restart() {
      await kill();
      await start();
    },
    async stop() {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
