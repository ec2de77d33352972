import { createHash } from 'node:crypto';
import { Cluster } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import { execClusterPipeline } from './cluster-pipeline.ts';

/**
 * A Lua script that only touches the keys it is given; on a cluster, the keys of each call are in one slot.
 * When Redis is full, it refuses a script that starts with `#!lua` before the script runs. Of any other script it refuses only the
 * commands that need memory, so that a DEL is done and the write after it is not.
 */
export interface LuaScript {
  readonly code: string;
  readonly sha: string;
}

export const luaScript = (code: string): LuaScript => ({
  code,
  sha: createHash('sha1').update(code).digest('hex'),
});

/** One call of a script: its KEYS and ARGV. */
export interface ScriptCall {
  /** At least one; on a cluster, all in one slot. */
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/**
 * Runs a script for each of many calls, in one round trip (to each node of a cluster); in two where the script is new to a node.
 * @returns what each call returns; most scripts return a number
 * @throws the first error that Redis answered
 */
export async function runScriptEach<Reply = number>(
  redis: RedisClient,
  { code, sha }: LuaScript,
  calls: readonly ScriptCall[],
): Promise<Reply[]> {
  const replies = await execClusterPipeline(
    redis,
    calls.map(({ keys, args }) => ({
      key: keys[0] ?? '',
      queue: (pipeline) => pipeline.evalsha(sha, keys.length, ...keys, ...args),
      // With the code, because the node that takes the command may not know the script: it knows none after a start.
      send: () => redis.eval(code, keys.length, ...keys, ...args),
    })),
  );
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as Reply;
  });
}

/** As `runScriptEach`. @returns the sum of the numbers that the calls return */
export async function runScript(
  redis: RedisClient,
  script: LuaScript,
  calls: readonly ScriptCall[],
): Promise<number> {
  const results = await runScriptEach(redis, script, calls);
  return results.reduce((sum, result) => sum + result, 0);
}

/**
 * Splits items, each with a key, into the calls of a script that takes many keys. On a cluster each item has a call of its own:
 * while a slot moves, its keys are on two nodes, and a call with keys on both is refused until the slot has moved.
 * @param maxItems items in one call on a single Redis
 */
export const splitIntoCalls = <T>(
  redis: RedisClient,
  items: readonly T[],
  maxItems: number,
): (readonly T[])[] => [...inChunks(items, redis instanceof Cluster ? 1 : maxItems)];
