import { READ_HALF_LIFE_SECONDS, readWeight, type CountedProfile } from './hot-profiles.ts';

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/** Hours of the day. */
export const HOURS = 24;

/** A read loses half of its weight in the count of its hour of the day in this time: some days average out chance. */
export const HOURLY_HALF_LIFE_SECONDS = 3 * DAY_SECONDS;

/**
 * The weight, in reads, of the assumption that a profile is read equally at all hours. A lower weight takes chance for a pattern; a higher
 * weight detects a real pattern too late (docs/hot-profiles.md).
 */
const PRIOR_READS = 10;

/** Earlier days with a lower weight are ignored. */
const MIN_WEIGHT = 0.001;

/** The reads at one hour of the day, of several days. */
export interface HourReads {
  readonly counted: readonly CountedProfile[];
  /** The number of counted hours, weighted like these reads. */
  readonly hours: number;
  /** The same, weighted like recent reads: the share of this hour of the day in the recent reads. */
  readonly recentHours: number;
}

/** @param seconds since 1970 @returns the hour of the day in UTC, 0–23 */
export const hourOfDay = (seconds: number): number => Math.floor((seconds % DAY_SECONDS) / HOUR_SECONDS);

/**
 * The hours of the day that a coming period touches, the current one first.
 * @param now seconds since 1970
 * @param seconds less than a day
 */
export function hoursAhead(now: number, seconds: number): number[] {
  const first = Math.floor(now / HOUR_SECONDS);
  const last = Math.floor((now + seconds) / HOUR_SECONDS);
  return Array.from({ length: last - first + 1 }, (_, index) => hourOfDay((first + index) * HOUR_SECONDS));
}

/**
 * The reads at an hour of the day, with the time for which they were counted.
 * @param count its `start` is when the count began, as `now` in seconds since 1970
 */
export const hourReads = (
  hour: number,
  { counted, start }: { readonly counted: readonly CountedProfile[]; readonly start: number },
  now: number,
): HourReads => ({
  counted,
  hours: countedHours(hour, start, now, HOURLY_HALF_LIFE_SECONDS),
  recentHours: countedHours(hour, start, now, READ_HALF_LIFE_SECONDS),
});

/** The number of hours from the start until now at this hour of the day. Earlier ones weigh less, like their reads. */
function countedHours(hour: number, start: number, now: number, halfLifeSeconds: number): number {
  let hours = 0;
  const today = now - (now % DAY_SECONDS) + hour * HOUR_SECONDS;
  for (let begin = today; begin + HOUR_SECONDS > start; begin -= DAY_SECONDS) {
    const weight = 1 / readWeight(now - begin, halfLifeSeconds);
    if (weight < MIN_WEIGHT) break;
    const seconds = Math.min(begin + HOUR_SECONDS, now) - Math.max(begin, start);
    hours += (Math.max(0, seconds) / HOUR_SECONDS) * weight;
  }
  return hours;
}

/**
 * Predicts how often profiles will be read: the recent reads of a profile times its factor for the coming hours. The factor compares the
 * reads at such an hour with those that it would have if the profile were read equally at all hours that its recent reads come from. A
 * change of popularity affects both, so it is not taken for a pattern. Without earlier days every factor is 1.
 * @param hourly the reads at the hours of the day, 0–23
 * @param coming hours of the day; their factors are averaged
 * @returns the expected reads of each profile, on the scale of weighted recent reads; most reads first
 */
export function forecastReads(
  recent: readonly CountedProfile[],
  hourly: readonly HourReads[],
  coming: readonly number[],
): CountedProfile[] {
  const usualRate = usualRates(hourly);
  const ahead = coming.flatMap((hour) => {
    const { counted, hours = 0 }: Partial<HourReads> = hourly[hour] ?? {};
    return hours === 0 || counted === undefined ? [] : [{ hours, reads: readsById(counted) }];
  });
  const others = Math.max(1, coming.length) - ahead.length;
  const factorOf = (id: string): number => {
    const factors = ahead.map(
      ({ hours, reads }) =>
        ((reads.get(id) ?? 0) + PRIOR_READS) / ((usualRate.get(id) ?? 0) * hours + PRIOR_READS),
    );
    return factors.reduce((sum, factor) => sum + factor, others) / (factors.length + others);
  };
  return recent
    .map(({ id, reads }) => ({ id, reads: reads * factorOf(id) }))
    .sort((a, b) => b.reads - a.reads);
}

/** The reads per hour of each profile on earlier days, at the hours of the recent reads. */
function usualRates(hourly: readonly HourReads[]): Map<string, number> {
  const known = hourly.filter(({ hours }) => hours > 0);
  const recentHours = known.reduce((sum, hour) => sum + hour.recentHours, 0);
  const rates = new Map<string, number>();
  for (const hour of known) {
    const share = hour.recentHours / recentHours / hour.hours;
    for (const { id, reads } of hour.counted) rates.set(id, (rates.get(id) ?? 0) + reads * share);
  }
  return rates;
}

const readsById = (counted: readonly CountedProfile[]): Map<string, number> =>
  new Map(counted.map(({ id, reads }) => [id, reads]));
