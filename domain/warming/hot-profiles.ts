/**
 * A read loses half of its weight in this time. In the simulation (docs/hot-profiles.md) a shorter half-life separates rarely read KOLs
 * less well, and a longer one keeps KOLs that are no longer read. read-forecast.ts handles patterns by the hour of the day.
 */
export const READ_HALF_LIFE_SECONDS = 6 * 3600;

/** A profile with its weighted reads: the weight of a read halves every READ_HALF_LIFE_SECONDS. */
export interface CountedProfile {
  readonly id: string;
  readonly reads: number;
}

/**
 * The weight of a read relative to a read at the start of the count. Forward decay: later reads weigh more, instead of old counts
 * shrinking. So counting is one increment and no count is ever rewritten.
 * @param seconds since the start; negative (the clock was set back) counts as 0
 */
export const readWeight = (seconds: number, halfLifeSeconds = READ_HALF_LIFE_SECONDS): number =>
  2 ** (Math.max(0, seconds) / halfLifeSeconds);

/** The longest time between the choice of the profiles and the last write of the warm. */
export const WARM_SECONDS = 120;

/**
 * Profiles with fewer weighted reads are not chosen: many followers are then a better signal. A single read weighs less than 1 after a
 * second.
 */
const MIN_READS = 1;

/**
 * Selects the most read profiles that fit.
 * @param counted most reads first
 * @param room number of profiles to keep warm
 */
export const selectMostRead = (
  counted: readonly CountedProfile[],
  room: number,
  minReads = MIN_READS,
): string[] =>
  counted
    .slice(0, room)
    .filter(({ reads }) => reads >= minReads)
    .map(({ id }) => id);

/**
 * Selects profiles beyond the room that are worth refreshing before they expire: those with at least one expected read in the
 * lifetime that the refresh gives them, so that the refresh saves a miss.
 * @param counted most reads first
 */
export function selectStillRead(
  counted: readonly CountedProfile[],
  ttlSeconds: number,
  halfLifeSeconds = READ_HALF_LIFE_SECONDS,
): string[] {
  // A profile that is read at a steady rate has the weighted count rate × halfLife / ln 2.
  const onePerLifetime = halfLifeSeconds / (Math.LN2 * ttlSeconds);
  return counted.filter(({ reads }) => reads >= onePerLifetime).map(({ id }) => id);
}

/** Room for hot profiles: a fixed number, or else a share of the memory of Redis. */
export interface RoomSetting {
  readonly fixedRoom?: number | undefined;
  readonly memoryPercent: number;
}

/** How many hot profiles fit, at least one. */
export const profileRoom = (
  { fixedRoom, memoryPercent }: RoomSetting,
  { maxBytes, bytesPerProfile }: { readonly maxBytes: number; readonly bytesPerProfile: number },
): number => fixedRoom ?? Math.max(1, Math.floor((maxBytes * memoryPercent) / 100 / bytesPerProfile));
