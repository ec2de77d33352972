import type { CacheEntry } from '../schema/entry.ts';
import { FieldError } from '../schema/field.ts';
import type { Profile } from './profile.ts';

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
  /** @throws FieldError or SyntaxError when it is not a list */
  fromString: (json: string): readonly Profile[] => {
    const profiles: unknown = JSON.parse(json);
    if (!Array.isArray(profiles)) throw new FieldError(json, 'a JSON array');
    return profiles as Profile[];
  },
};
