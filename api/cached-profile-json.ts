import { profile, type Profile } from '../domain/entities/profile.ts';

/** A profile as part of a list that a client expands; null for one that is not cached. */
export function cachedProfileJson(profiles: ReadonlyMap<string, Profile>, id: string): Profile | null {
  const found = profiles.get(id);
  return found === undefined ? null : profile.toJson(found);
}
