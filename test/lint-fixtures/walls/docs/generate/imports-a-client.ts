// fails: docs/ may import cache, config, contract, domain.
export { createRedis } from '../../clients/redis.ts';
