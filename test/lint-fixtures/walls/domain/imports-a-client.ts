// fails: domain/ may import no other room.
export { createRedis } from '../clients/redis.ts';
