/** REDIS_URL as addresses: of one Redis, or of several nodes of a cluster. A comma in a password separates nothing. */
export const redisNodes = (url: string): string[] => url.trim().split(/\s*,\s*(?=rediss?:\/\/)/);
