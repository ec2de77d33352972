import { selectMostRead, selectStillRead, type CountedProfile } from './hot-profiles.ts';
import { forecastReads, type HourReads } from './read-forecast.ts';

/** The counted reads of profiles. */
export interface KnownReads {
  /** The reads of the last hours. */
  readonly recent: readonly CountedProfile[];
  /** The reads at each hour of the day, from 0 to 23 h. */
  readonly hourly: readonly HourReads[];
}

/** Other settings, for comparison in the simulation. */
export interface ComparedSettings {
  readonly halfLifeSeconds?: number | undefined;
  readonly minReads?: number | undefined;
}

/** The profiles to keep warm because they will probably be read. */
interface LikelyProfiles {
  /** The profiles that will be read most, at most `room`. */
  readonly mostRead: readonly string[];
  /** Profiles beyond the room that are worth refreshing before they expire. */
  readonly stillRead: readonly string[];
}

/** The parameters of the choice. */
interface Wanted {
  /** Number of profiles to keep warm. */
  readonly room: number;
  /** TTL of a profile (s). */
  readonly ttlSeconds: number;
  /** The hours of the day until the next warm has ended. */
  readonly coming: readonly number[];
}

/** Chooses the profiles that will probably be read most until the next warm has ended. */
export function chooseHotProfiles(
  { recent, hourly }: KnownReads,
  { room, ttlSeconds, coming }: Wanted,
  { halfLifeSeconds, minReads }: ComparedSettings = {},
): LikelyProfiles {
  const expected = forecastReads(recent, hourly, coming);
  return {
    mostRead: selectMostRead(expected, room, minReads),
    stillRead: selectStillRead(expected.slice(room), ttlSeconds, halfLifeSeconds),
  };
}

/**
 * Fills the room that is left.
 * @param room number of profiles that still fit
 * @param chosen ids that are chosen already
 * @returns a function that takes a page of candidates and returns those that fit, in order
 */
export function createFill<T>(
  room: number,
  chosen: Iterable<string>,
  idOf: (candidate: T) => string,
): (candidates: readonly T[]) => T[] {
  const done = new Set(chosen);
  let left = room;
  return (candidates) => {
    const added = candidates.filter((candidate) => !done.has(idOf(candidate))).slice(0, Math.max(0, left));
    for (const candidate of added) done.add(idOf(candidate));
    left -= added.length;
    return added;
  };
}
