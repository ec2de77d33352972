import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import calculateSlot from 'cluster-key-slot';
import { Cluster, type ChainableCommander } from 'ioredis';
import { type RedisClient, RedisUnavailableError } from '../../clients/redis.ts';
import { groupBy, inChunks } from '../../domain/values/lists.ts';

/** A command whose keys are all in one cluster slot. */
interface KeyedCommand {
  readonly key: string;
  /** Adds the command to a pipeline. */
  readonly queue: (pipeline: ChainableCommander) => unknown;
  /** Sends the command on its own: ioredis then follows redirections to the node that has the slot now. */
  readonly send: () => Promise<unknown>;
}

/** The reply to one command. */
export type Reply = readonly [error: Error | null, value?: unknown];

/**
 * Errors of a node that is gone, does not know the script, or no longer has the whole slot. "non local key": while a slot moves, its old
 * node accepts no new keys. A script that deletes a key and writes it again fails there; the new node accepts it.
 */
const RETRY_ON_ITS_OWN =
  /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|NOSCRIPT) |^Connection is closed| non local key in a cluster/;

/**
 * Sends commands on any keys in one pipeline to each node, all in parallel; a single Redis is one node. ioredis follows redirections of a
 * pipeline only if all its commands are redirected to the same node. So this function sends each redirected command again on its own.
 * @returns the replies in the order of the commands
 * @throws the error that prevented a pipeline from being sent
 */
export async function execClusterPipeline(
  redis: RedisClient,
  commands: readonly KeyedCommand[],
): Promise<Reply[]> {
  const replies: Reply[] = [];
  await Promise.all(
    groupByNode(redis, commands).map(async (indexes) => {
      const pipeline = createPipeline(redis);
      for (const index of indexes) commands[index]?.queue(pipeline);
      const nodeReplies = (await pipeline.exec()) ?? [];
      await Promise.all(
        indexes.map(async (index, position) => {
          const reply = nodeReplies[position] ?? [new Error('Redis did not answer a command')];
          const command = commands[index];
          replies[index] =
            reply[0] && command && RETRY_ON_ITS_OWN.test(reply[0].message) ? await sendAlone(command) : reply;
        }),
      );
    }),
  );
  return replies;
}

/**
 * Creates a pipeline. On a cluster it can hold only keys of one node.
 * @throws RedisUnavailableError when the cluster is not connected: pipelines of ioredis would wait for it, although single commands fail
 */
function createPipeline(redis: RedisClient): ChainableCommander {
  if (redis instanceof Cluster && redis.options.enableOfflineQueue === false && redis.status !== 'ready')
    throw new RedisUnavailableError(`the Redis cluster is not connected (${redis.status})`);
  return redis.pipeline();
}

/** Groups the indexes of commands that can share a pipeline. */
function groupByNode(redis: RedisClient, commands: readonly KeyedCommand[]): number[][] {
  if (commands.length === 0) return [];
  if (!(redis instanceof Cluster)) return [commands.map((_, index) => index)];
  const groupOf = (key: string) => {
    const slot = calculateSlot(key);
    // ioredis checks a pipeline against this table. After a redirection, `slots` differs from it. Before the client is connected the table
    // is empty: send each slot in its own pipeline, which is always valid.
    const nodeGroup = redis._groupsBySlot[slot];
    return nodeGroup === undefined ? `slot ${slot}` : `group ${nodeGroup}`;
  };
  return [...groupBy(commands.entries(), ([, { key }]) => groupOf(key)).values()].map((group) =>
    group.map(([index]) => index),
  );
}

/** While a slot moves, ioredis can follow redirections in a circle, because the nodes learn of the change one after the other. */
const IN_A_CIRCLE = /^Too many Cluster redirections/;
const MAX_TRIES = 3;
const PAUSE_MS = 25;

async function sendAlone({ send }: KeyedCommand): Promise<Reply> {
  for (let tries = 1; ; tries += 1) {
    try {
      return [null, await send()];
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      if (tries === MAX_TRIES || !IN_A_CIRCLE.test(failure.message)) return [failure];
      await sleep(PAUSE_MS);
    }
  }
}

/**
 * A Lua script that only touches the keys it is given; on a cluster, the keys of each call are in one slot. A full Redis refuses a script
 * that starts with `#!lua` before it runs. In any other script it refuses only the commands that need memory, so a DEL would succeed and
 * the write after it would fail.
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
 * Runs a script for many calls in one round trip (to each node of a cluster), or in two if the script is new to a node.
 * @returns the result of each call; most scripts return a number
 * @throws the first error from Redis
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
      // Send the code: the node that runs the command may not know the script, for example after a restart.
      send: () => redis.eval(code, keys.length, ...keys, ...args),
    })),
  );
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as Reply;
  });
}

/** Like `runScriptEach`. @returns the sum of the results */
export async function runScript(
  redis: RedisClient,
  script: LuaScript,
  calls: readonly ScriptCall[],
): Promise<number> {
  const results = await runScriptEach(redis, script, calls);
  return results.reduce((sum, result) => sum + result, 0);
}

/**
 * Splits items into calls of a script that takes many keys. On a cluster each item gets its own call: while a slot moves, its keys are on
 * two nodes, and a call with keys on both is refused.
 * @param maxItems items in one call on a single Redis
 */
export const splitIntoCalls = <T>(
  redis: RedisClient,
  items: readonly T[],
  maxItems: number,
): (readonly T[])[] => [...inChunks(items, redis instanceof Cluster ? 1 : maxItems)];
