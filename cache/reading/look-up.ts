import { cachedAtOf, type RedisClient } from '../../clients/redis.ts';
import { execClusterPipeline, type Reply } from '../redis/run-commands.ts';
import { fenceKey } from '../writing/read-fence.ts';
import type { CacheMiss } from './fill-entry.ts';
import type { ReportProblem } from './read-problem.ts';
import type { ReadCommands, RedisCodec } from './redis-codec.ts';

/** The key has a whole value and a TTL. */
export interface CacheHit<T> {
  readonly state: 'hit';
  readonly value: T;
  /** The reply of Redis. */
  readonly reply: unknown;
  /** The time of the request, and the earliest expiry of the key, on the clock of `performance.now`. */
  readonly readAt: number;
  readonly expiresAt: number;
  /** When the value was read from its source, ISO 8601; undefined if the value has no time. */
  readonly updatedAt: string | undefined;
  /** Estimate of the memory that the value takes. */
  readonly bytes: number;
}

/** The state of a key in Redis. */
export type LookUpResult<T> = CacheHit<T> | CacheMiss | { readonly state: 'unreachable' };

/**
 * Reads values, their TTLs and the times of their reads from Redis in one round trip (to each node of a cluster). Never rejects:
 * failures are reported.
 * @returns one result for each key, in the order of the keys
 */
export async function lookUp<T>(
  redis: RedisClient,
  codec: RedisCodec<T>,
  keys: readonly string[],
  reportProblem: ReportProblem,
): Promise<LookUpResult<T>[]> {
  const commands = keys.flatMap((key) =>
    readsOf(codec, key).map((read) => ({
      key,
      queue: read,
      send: () => Promise.resolve(read(redis)),
    })),
  );
  const perKey = commands.length / keys.length;
  const readAt = performance.now();
  try {
    const replies = await execClusterPipeline(redis, commands);
    return keys.map((key, index) =>
      readReplies(codec, { key, readAt }, replies.slice(index * perKey, (index + 1) * perKey), reportProblem),
    );
  } catch (error) {
    reportProblem(keys.length === 1 ? (keys[0] ?? '') : `${keys.length} keys`, 'look-up', error);
    return keys.map(() => ({ state: 'unreachable' }));
  }
}

/**
 * The commands that read a value, its TTL, and its fence if the fence holds the time of the read. The fence is last: if the value is
 * replaced in between, Redis reports a change of the value, and the local tier does not keep the pair.
 */
const readsOf = (codec: RedisCodec<unknown>, key: string): ((commands: ReadCommands) => unknown)[] => [
  (commands) => codec.read(commands, key),
  (commands) => commands.pttl(key),
  ...(codec.isTimedByFence ? [(commands: ReadCommands) => commands.get(fenceKey(key))] : []),
];

/** A value that cannot be decoded, lacks fields or has no TTL counts as a miss, and is replaced. */
function readReplies<T>(
  codec: RedisCodec<T>,
  { key, readAt }: { readonly key: string; readonly readAt: number },
  replies: readonly Reply[],
  reportProblem: ReportProblem,
): LookUpResult<T> {
  const [[valueError, reply] = NO_REPLY, [ttlError, ttl] = NO_REPLY, fence] = replies;
  // WRONGTYPE is about the value, not a failure of Redis
  const failure = ttlError ?? (valueError?.message.startsWith('WRONGTYPE') ? null : valueError);
  if (failure) {
    reportProblem(key, 'look-up', failure);
    return { state: 'unreachable' };
  }
  try {
    if (valueError) throw valueError;
    const value = codec.decode(reply);
    if (value === null) return { state: 'absent' };
    if (ttl === NO_TTL) throw new Error('the key has no TTL');
    // a key that expired between the two commands has no TTL left
    return {
      state: 'hit',
      value,
      reply,
      readAt,
      expiresAt: readAt + Math.max(0, Number(ttl)),
      updatedAt: fence === undefined ? codec.updatedAt(reply, value) : timeOfFence(fence),
      bytes: estimateBytes(reply),
    };
  } catch (error) {
    reportProblem(key, 'decode', error);
    return { state: 'unusable', reply };
  }
}

const NO_REPLY: Reply = [new Error('no reply')];

/** When the value of a fence was read, ISO 8601. Undefined for a fence that another client has written or that Redis has evicted. */
export function timeOfFence([error, text]: Reply): string | undefined {
  const isTime = error === null && /^\d{1,17}$/.test(String(text));
  return isTime ? cachedAtOf(Number(text)) : undefined;
}

/** The reply to PTTL for a key that never expires. */
const NO_TTL = -1;

/** Bytes of an object with its members, and of each text in addition to its characters. */
const OBJECT_BYTES = 400;
const TEXT_BYTES = 40;

/** The memory of a value that was decoded from this reply: texts take at most two bytes a character. */
function estimateBytes(reply: unknown): number {
  const texts = typeof reply === 'string' ? [reply] : Object.values(reply as Record<string, string>);
  return texts.reduce((bytes, text) => bytes + TEXT_BYTES + 2 * text.length, OBJECT_BYTES);
}
