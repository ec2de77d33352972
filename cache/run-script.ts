import { createHash } from 'node:crypto';
import type { RedisClient } from '../clients/redis.ts';

/** A Lua script on the keys given; each call touches keys of one cluster slot only. */
export interface Script {
  readonly code: string;
  readonly sha: string;
}

export const script = (code: string): Script => ({
  code,
  sha: createHash('sha1').update(code).digest('hex'),
});

/** One call of a script. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/**
 * Runs a script many times in one round trip, and sums up the numbers it returns.
 * @throws the first error that Redis answered
 */
export async function runScript(
  redis: RedisClient,
  { code, sha }: Script,
  calls: readonly ScriptCall[],
): Promise<number> {
  if (calls.length === 0) return 0;
  // LOAD goes first in the same round trip, so that a restarted Redis knows the script.
  const pipeline = redis.pipeline().script('LOAD', code);
  for (const { keys, args } of calls) pipeline.evalsha(sha, keys.length, ...keys, ...args);
  const [, ...replies] = (await pipeline.exec()) ?? [];
  let sum = 0;
  for (const [error, reply] of replies) {
    if (error) throw error;
    sum += Number(reply);
  }
  return sum;
}
