/** search:recent:{user_id}: the latest searches of a user as typed, newest first, each once. */
export const searchRecent = {
  name: 'search-recent',
  ttlSeconds: 7 * 86_400,
  key: (userId: string) => `search:recent:${userId}`,
  /** Searches that are kept. */
  maxItems: 20,
};
