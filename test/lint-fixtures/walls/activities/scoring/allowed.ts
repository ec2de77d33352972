// passes
export { writeEntries } from '../../cache/writing/write-entries.ts';
export { createRedis } from '../../clients/redis.ts';
