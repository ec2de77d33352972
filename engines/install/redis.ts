import { execa } from 'execa';
import { InstallError } from '../errors.ts';
import { aptInstall, findAptGet, type AptGet } from './apt.ts';
import type { InstallContext } from './install-once.ts';
import { findOnPath } from './run-tool.ts';

const MINIMUM_REDIS = 7;

/** @returns the major version in the output of `redis-server --version` */
export function parseRedisMajor(text: string): number | undefined {
  const match = /\bv=(\d+)/.exec(text);
  return match ? Number(match[1]) : undefined;
}

type RedisSearch =
  | { readonly executable: string }
  | { readonly executable?: undefined; readonly problem: string; readonly aptGet?: AptGet | undefined };

/** Looks for a redis-server that is new enough. If there is none, looks for a way to install one. */
export async function findRedis(): Promise<RedisSearch> {
  const path = await findOnPath('redis-server');
  if (path) {
    const { stdout } = await execa(path, ['--version'], { reject: false });
    const major = parseRedisMajor(stdout);
    if (major !== undefined && major >= MINIMUM_REDIS) return { executable: path };
    return {
      problem: `${path} is too old (${stdout.trim() || 'unknown version'}): install Redis ${MINIMUM_REDIS} or newer.`,
    };
  }
  return {
    problem: `redis-server (${MINIMUM_REDIS} or newer) is not on PATH: install Redis with your package manager, or set REDIS_URL to a running Redis.`,
    aptGet: await findAptGet(),
  };
}

/**
 * Installs Redis with apt if it is missing.
 * @returns the path of redis-server
 * @throws InstallError when there is no way to install it, or apt fails
 */
export async function installRedis(context: InstallContext): Promise<string> {
  const search = await findRedis();
  if (search.executable !== undefined) return search.executable;
  if (!search.aptGet) throw new InstallError(search.problem);
  await aptInstall(search.aptGet, 'redis-server', context);
  const installed = await findRedis();
  if (installed.executable === undefined) throw new InstallError(installed.problem);
  return installed.executable;
}
