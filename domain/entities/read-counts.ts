/**
 * cache:reads:profile, for our own use: a sorted set of KOL ids by how often their profiles are read, later reads weighing more
 * (domain/warming/hot-profiles.ts). The member with no name holds when the count began, in seconds since 1970, as a negative score: in the
 * same key, so that neither can be evicted without the other, and below all others, so that it is never in the way.
 */
export const readCounts = {
  name: 'profile-reads',
  /** Of reads a week old, 28 half-lives, nothing is left. */
  ttlSeconds: 7 * 86_400,
  key: 'cache:reads:profile',
  startMember: '',
  /** The most-read that are kept, more than there are KOLs today: 120 B each with ids of 20 characters, 6 MB in all. */
  most: 50_000,
};
