import { tableEntity } from '../schema/table-entity.ts';

/** kol:profile:{kol_id}: one KOL. Silver's `description` is cached as `bio`. */
export const profile = tableEntity({
  name: 'profile',
  table: 'kol_profiles',
  idColumn: 'kol_id',
  ttlSeconds: 3600,
  key: (id) => `kol:profile:${id}`,
  columns: {
    kol_id: 'kol_id',
    platform: 'platform',
    username: 'username',
    display_name: 'display_name',
    bio: 'description',
    followers_count: 'followers_count',
    following_count: 'following_count',
    post_count: 'post_count',
    verified: 'verified',
    category: 'category',
    profile_url: 'profile_url',
    account_created_at: 'account_created_at',
    source: 'source',
    processed_at: 'processed_at',
  },
});

export type Profile = ReturnType<typeof profile.fromRow>;
