/**
 * Half of a read's weight is gone after this long. Simulated (docs/hot-profiles.md), shorter ones tell rarely read KOLs apart less
 * well, longer ones keep those that are no longer asked for; and a quarter of a day remembers little of another time of day.
 */
export const READ_HALF_LIFE_SECONDS = 6 * 3600;

/** A profile and its reads, each of which halves in weight every READ_HALF_LIFE_SECONDS. */
export interface CountedProfile {
  readonly id: string;
  readonly reads: number;
}

/**
 * What a read weighs beside one at the start of the count. Forward decay: instead of all counts shrinking as time goes by, later
 * reads weigh more, so that counting stays one increment and nothing is ever rewritten.
 * @param seconds since the start; a clock that went back weighs as at the start
 */
export const readWeight = (seconds: number, halfLifeSeconds = READ_HALF_LIFE_SECONDS): number =>
  2 ** (Math.max(0, seconds) / halfLifeSeconds);

/** Fewer reads than this (a single one is less a second later) say less than many followers do. */
const LEAST_READS = 1;

/**
 * The most asked-for that fit.
 * @param counted most reads first
 * @param room profiles in all
 */
export const selectMostRead = (
  counted: readonly CountedProfile[],
  room: number,
  leastReads = LEAST_READS,
): string[] =>
  counted
    .slice(0, room)
    .filter(({ reads }) => reads >= leastReads)
    .map(({ id }) => id);

/**
 * Hands out the room that the asked-for leave.
 * @returns tells of each further profile, most followers first, whether it is to be kept; each is to be named once
 */
export function createFill(asked: readonly string[], room: number): (id: string) => boolean {
  const isAsked = new Set(asked);
  let left = room - isAsked.size;
  return (id) => {
    if (left <= 0 || isAsked.has(id)) return false;
    left -= 1;
    return true;
  };
}

/**
 * Beyond the room, those that are worth refreshing when they are about to expire: at least one read is to be expected in the
 * lifetime that the refresh gives them, so that it saves a miss.
 * @param counted most reads first
 */
export function selectStillRead(
  counted: readonly CountedProfile[],
  ttlSeconds: number,
  halfLifeSeconds = READ_HALF_LIFE_SECONDS,
): string[] {
  // Read at a steady rate, a profile counts rate × halfLife / ln 2.
  const onePerLifetime = halfLifeSeconds / (Math.LN2 * ttlSeconds);
  return counted.filter(({ reads }) => reads >= onePerLifetime).map(({ id }) => id);
}

/** How much of Redis hot profiles may take: a number of profiles, else a share of its memory. */
export interface RoomSetting {
  readonly fixedRoom?: number | undefined;
  readonly memoryPercent: number;
}

/** Room for how many profiles there is, at least one. */
export const profileRoom = (
  { fixedRoom, memoryPercent }: RoomSetting,
  { maxBytes, bytesPerProfile }: { readonly maxBytes: number; readonly bytesPerProfile: number },
): number => fixedRoom ?? Math.max(1, Math.floor((maxBytes * memoryPercent) / 100 / bytesPerProfile));
