// fails: config/ may import contract, domain.
export { createRedis } from '../clients/redis.ts';
