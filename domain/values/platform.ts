/** Rankings, lists and trending content exist for each platform and, under this name, for all platforms together. */
export const ALL = 'all';

export const PLATFORM_NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Whether a name is valid as a platform (or `all`) in Redis keys and in SQL. */
export const isPlatform = (name: string): boolean => PLATFORM_NAME.test(name);
