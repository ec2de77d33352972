import { createHash } from 'node:crypto';
import type { RedisClient } from '../../clients/redis.ts';
import { execClusterPipeline } from './cluster-pipeline.ts';

/** A Lua script on the keys given; on a cluster each call touches keys of one slot only. */
export interface LuaScript {
  readonly code: string;
  readonly sha: string;
}

export const luaScript = (code: string): LuaScript => ({
  code,
  sha: createHash('sha1').update(code).digest('hex'),
});

/** One call of a script. */
export interface ScriptCall {
  /** At least one; on a cluster all of one slot. */
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/**
 * Runs a script many times in one round trip (to each node of a cluster), and sums up the numbers it returns.
 * @throws the first error that Redis answered
 */
export async function runScript(
  redis: RedisClient,
  { code, sha }: LuaScript,
  calls: readonly ScriptCall[],
): Promise<number> {
  const replies = await execClusterPipeline(
    redis,
    calls.map(({ keys, args }) => ({
      key: keys[0] ?? '',
      queue: (pipeline) => pipeline.evalsha(sha, keys.length, ...keys, ...args),
      // With its code: the node it ends up at may not know the script.
      send: () => redis.eval(code, keys.length, ...keys, ...args),
    })),
    // In the same round trip, so that a restarted Redis knows the script.
    (pipeline) => pipeline.script('LOAD', code),
  );
  let sum = 0;
  for (const [error, reply] of replies) {
    if (error) throw error;
    sum += Number(reply);
  }
  return sum;
}
