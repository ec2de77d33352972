/** Splits REDIS_URL into addresses: one Redis, or several nodes of a cluster. A comma inside a password does not split. */
export const redisNodes = (url: string): string[] => url.trim().split(/\s*,\s*(?=rediss?:\/\/)/);
