/**
 * cache:reads:profile, internal: a sorted set of KOL ids by how often their profiles are read; later reads weigh more
 * (domain/warming/hot-profiles.ts). The member with the empty name holds the start of the count, in seconds since 1970, as a
 * negative score. It is in the same key so that neither can be evicted without the other, and it sorts below all KOLs so that
 * it is never among the most read.
 */
export const readCounts = {
  name: 'profile-reads',
  /** A read that is a week old has gone through 28 half-lives and weighs nothing. */
  ttlSeconds: 7 * 86_400,
  key: 'cache:reads:profile',
  startMember: '',
  /** The most read KOLs that the set keeps, more than there are KOLs today: 120 B each with ids of 20 characters, 6 MB in all. */
  maxMembers: 50_000,
};
