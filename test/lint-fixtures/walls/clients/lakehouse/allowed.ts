// passes
export { readFile } from 'node:fs/promises';
export type { Config } from '../../config/config.ts';
export { Messages } from '../../contract/messages.ts';
export { createRedis } from '../redis.ts';
