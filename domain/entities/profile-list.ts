import type { CacheEntry } from '../schema/entry.ts';
import { parseList } from '../schema/field.ts';
import { profile, type Profile } from './profile.ts';

/** kol:profiles:list:{platform}: profiles of the platform as one JSON array, most followers first. */
export const profileList = {
  name: 'profile-list',
  ttlSeconds: 900,
  key: (platform: string) => `kol:profiles:list:${platform}`,
  toEntry: (platform: string, profiles: readonly Profile[]): CacheEntry => ({
    key: profileList.key(platform),
    ttlSeconds: profileList.ttlSeconds,
    type: 'string',
    value: JSON.stringify(profiles),
  }),
  /** @throws FieldError or SyntaxError when it is not a list of whole profiles */
  fromString: (json: string): readonly Profile[] => parseList(profile.fields, json),
};
