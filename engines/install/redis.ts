import { execa } from 'execa';
import { InstallError } from '../errors.ts';
import type { InstallContext } from './install-once.ts';
import { withProgress } from './progress.ts';
import { findOnPath, runTool } from './run-tool.ts';

const MINIMUM_REDIS = 7;

/** @returns the major version in what `redis-server --version` prints */
export function parseRedisMajor(text: string): number | undefined {
  const match = /\bv=(\d+)/.exec(text);
  return match ? Number(match[1]) : undefined;
}

export type RedisSearch =
  { found: string } | { found?: undefined; sentence: string; apt?: readonly string[] };

/** Looks for a usable redis-server, and if there is none for a way to install one. */
export async function findRedis(): Promise<RedisSearch> {
  const path = await findOnPath('redis-server');
  if (path) {
    const { stdout } = await execa(path, ['--version'], { reject: false });
    const major = parseRedisMajor(stdout);
    if (major !== undefined && major >= MINIMUM_REDIS) return { found: path };
    return {
      sentence: `Redis ${MINIMUM_REDIS} or newer is needed and ${path} is ${stdout.trim() || 'of no known version'}: install a newer one.`,
    };
  }
  const sentence = `redis-server (${MINIMUM_REDIS} or newer) is not on PATH: install Redis with your package manager, or set REDIS_URL to a running one.`;
  if (!(await findOnPath('apt-get'))) return { sentence };
  if (process.getuid?.() === 0) return { sentence, apt: ['apt-get'] };
  const sudo = await execa('sudo', ['-n', 'true'], { reject: false });
  return sudo.failed ? { sentence } : { sentence, apt: ['sudo', '-n', 'apt-get'] };
}

/**
 * @returns the path of a redis-server, installed with apt if none was there
 * @throws InstallError when there is none and no way to install it, or apt failed
 */
export async function installRedis(context: InstallContext): Promise<string> {
  const search = await findRedis();
  if (search.found !== undefined) return search.found;
  if (!search.apt) throw new InstallError(search.sentence);
  const [command = 'apt-get', ...prefix] = search.apt;
  const options = { signal: context.signal, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  await withProgress(context.report, 'Installing redis-server with apt', async (detail) => {
    detail('apt-get update');
    await runTool(command, [...prefix, 'update', '-q'], options);
    detail('apt-get install');
    await runTool(
      command,
      [...prefix, 'install', '-q', '-y', '--no-install-recommends', 'redis-server'],
      options,
    );
  });
  const installed = await findRedis();
  if (installed.found === undefined) throw new InstallError(installed.sentence);
  return installed.found;
}
