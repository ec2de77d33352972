// passes
export { createRedis } from '../../clients/redis.ts';
export { lruCache } from 'lru-cache';
