/** Rankings, lists and trending content exist for each platform and for all of them together. */
export const ALL = 'all';

const platformName = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Whether a name may stand in a Redis key and in SQL as a platform (or `all`). */
export const isPlatform = (name: string): boolean => platformName.test(name);
