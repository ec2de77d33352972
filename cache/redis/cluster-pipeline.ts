import calculateSlot from 'cluster-key-slot';
import { Cluster, type ChainableCommander } from 'ioredis';
import { createPipeline, type RedisClient } from '../../clients/redis.ts';

/** A command, all of whose keys are in one cluster slot. */
export interface KeyedCommand {
  readonly key: string;
  /** Puts the one command into a pipeline. */
  readonly queue: (pipeline: ChainableCommander) => unknown;
  /** Sends it by itself: ioredis then follows it to whatever node has its slot by now. */
  readonly send: () => Promise<unknown>;
}

/** What Redis answered to one command. */
export type Reply = readonly [error: Error | null, value?: unknown];

/**
 * Answers of a node that does not have the slot (any more, or whole), does not know the script, or is gone. "non local": a script
 * deleted its key to write it anew, and as the slot is moving the node takes no new keys; the new node does.
 */
const ELSEWHERE =
  /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|NOSCRIPT) |^Connection is closed| non local key in a cluster/;

/**
 * Sends commands on any keys in one pipeline a node, all at once; a single Redis is one node. ioredis follows redirections of a
 * pipeline only where all its commands are redirected alike, so what a node has given away is sent again by itself.
 * @param first puts one keyless command before the others of each pipeline; its reply is left out
 * @returns the replies in the order of the commands
 * @throws what kept a pipeline from being sent at all
 */
export async function execClusterPipeline(
  redis: RedisClient,
  commands: readonly KeyedCommand[],
  first?: (pipeline: ChainableCommander) => unknown,
): Promise<Reply[]> {
  const replies: Reply[] = [];
  await Promise.all(
    groupByNode(redis, commands).map(async (indexes) => {
      const pipeline = createPipeline(redis);
      first?.(pipeline);
      for (const index of indexes) commands[index]?.queue(pipeline);
      const all = (await pipeline.exec()) ?? [];
      const own = first === undefined ? all : all.slice(1);
      await Promise.all(
        indexes.map(async (index, position) => {
          const reply = own[position] ?? [new Error('Redis left a command unanswered')];
          const command = commands[index];
          replies[index] =
            reply[0] && command && ELSEWHERE.test(reply[0].message) ? await alone(command) : reply;
        }),
      );
    }),
  );
  return replies;
}

/** Indexes of commands that may share a pipeline. */
function groupByNode(redis: RedisClient, commands: readonly KeyedCommand[]): number[][] {
  if (commands.length === 0) return [];
  if (!(redis instanceof Cluster)) return [commands.map((_, index) => index)];
  const groups = new Map<string, number[]>();
  commands.forEach(({ key }, index) => {
    const slot = calculateSlot(key);
    // By this very table ioredis decides whether it takes a pipeline; `slots` differs from it after a redirection.
    // A slot that is not in it (before the client is connected) goes by itself, which is right whoever has it.
    const group = redis._groupsBySlot[slot];
    const place = group === undefined ? `slot ${slot}` : `group ${group}`;
    const indexes = groups.get(place);
    if (indexes) indexes.push(index);
    else groups.set(place, [index]);
  });
  return [...groups.values()];
}

/**
 * Items in the calls of a script on the keys of several. On a cluster each has a call of its own: of a slot that is moving some keys
 * are here and some there, and a call on both is refused until it has moved.
 * @param most items in one call
 */
export function groupIntoCalls<T>(redis: RedisClient, items: readonly T[], most: number): T[][] {
  const size = redis instanceof Cluster ? 1 : most;
  const calls: T[][] = [];
  for (let start = 0; start < items.length; start += size) calls.push(items.slice(start, start + size));
  return calls;
}

const alone = ({ send }: KeyedCommand): Promise<Reply> =>
  send().then(
    (value): Reply => [null, value],
    (error: unknown): Reply => [error instanceof Error ? error : new Error(String(error))],
  );
