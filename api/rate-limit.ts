import { isIPv6 } from 'node:net';
import type { Request, RequestHandler } from 'express';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RedisClient } from '../clients/redis.ts';
import { Problem } from './problem.ts';

/** A client's limit is taken from Redis in this many portions, so that few requests wait for Redis. */
const CHUNKS = 50;
const MINUTE_SECONDS = 60;
/** Clients whose portion is kept in memory. An evicted client loses at most one portion. */
const MAX_CLIENTS = 10_000;

/** Limits the requests of each client. */
export interface RateLimiter {
  /** Limits requests. Takes the next portion from Redis when needed. */
  readonly middleware: RequestHandler;
  /**
   * Subtracts a request of this address from its portion in memory; undefined if the portion is used up. For a free request, add it back.
   */
  readonly takeFromMemory: (ip: string | undefined) => Portion | undefined;
}

/** Requests that a client may still send before the next portion is taken from Redis. */
interface Portion {
  left: number;
  /** The pending request for the next portion; concurrent requests share it. */
  taking?: Promise<void> | undefined;
}

/**
 * Limits the requests of each client address, counted over all processes of the API. A 304 is free (see `isFree`). While Redis does not
 * answer, each process counts on its own.
 * @param perMinute approximate limit: up to 2 % of it can stay unused in each process
 */
export function createRateLimiter(redis: RedisClient, perMinute: number): RateLimiter {
  const options = { keyPrefix: 'api:rate', points: perMinute, duration: MINUTE_SECONDS };
  const limiter = new RateLimiterRedis({
    ...options,
    storeClient: redis,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory(options),
    // a client beyond its limit costs no more round trips
    inMemoryBlockOnConsumed: perMinute + 1,
  });
  const chunk = Math.ceil(perMinute / CHUNKS);
  const portions = new LRUCache<string, Portion>({ max: MAX_CLIENTS, ttl: MINUTE_SECONDS * 1000 });

  async function takePortion(client: string, portion: Portion): Promise<void> {
    await limiter.consume(client, chunk);
    portion.left += chunk;
  }

  async function take(client: string): Promise<Portion> {
    const portion = portions.get(client) ?? { left: 0 };
    portions.set(client, portion, { noUpdateTTL: true });
    while (portion.left === 0)
      await (portion.taking ??= takePortion(client, portion).finally(() => (portion.taking = undefined)));
    portion.left -= 1;
    return portion;
  }

  return {
    async middleware(request, response, next) {
      const portion = await take(clientAddress(request.ip)).catch((error: unknown) => {
        throw error instanceof RateLimiterRes ? tooManyRequests(error.msBeforeNext) : error;
      });
      response.on('finish', () => {
        if (isFree(request, response.statusCode, response.get('Cache-Status'))) portion.left += 1;
      });
      next();
    },
    takeFromMemory(ip) {
      const portion = portions.get(clientAddress(ip));
      if (portion === undefined || portion.left === 0) return undefined;
      portion.left -= 1;
      return portion;
    },
  };
}

/**
 * Whether an answer is free: a 304 from a cache to a client that sends an ETag. `*` and a date are not enough, because a client can send
 * them without having the answer. A 304 that needed the lakehouse (`fwd`) costs as much as the full answer.
 */
export function isFree(
  { headers }: Pick<Request, 'headers'>,
  status: number,
  cacheStatus: string | undefined,
): boolean {
  const held = headers['if-none-match'];
  const namesEtag = held !== undefined && held.includes('"') && !held.includes('*');
  return status === 304 && namesEtag && cacheStatus?.includes('; fwd=') !== true;
}

const tooManyRequests = (waitMs: number): Problem =>
  new Problem('too-many-requests', 'This client has sent too many requests; wait as Retry-After says', {
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  });

/**
 * The part of an address that identifies a client. For IPv6 it is the /64 network, because a client can use any address in it.
 * @param ip the address that Express found. A proxy may forward any text; all other text counts as one client
 */
export function clientAddress(ip = ''): string {
  const ipv4 = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/.exec(ip)?.[1];
  if (ipv4 !== undefined) return ipv4;
  const address = ip.replace(/%.*$/, '');
  if (!isIPv6(address)) return 'unknown';
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + after < 8) groups.push('0');
    if (after > 0) groups.push(...tail.split(':'));
  }
  const network = groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
