import { trimInvisible } from './text-ids.ts';

/** Groups: year, "-", month, day; hour, ":", minute, second, fraction; zone, its sign, hours, minutes. */
const ISO_TIME =
  /^(\d{4})(-?)(\d\d)\2(\d\d)(?:[Tt ](\d\d)(:?)(\d\d)(?:\6(\d\d)(?:[.,](\d{1,9}))?)?(?: ?([Zz]|UTC|([+\-\u2212])(\d\d)(?::?(\d\d))?))?)?$/;

/**
 * Parses ISO 8601 text as ms since 1970, in the forms that RFC 3339, Python, pandas, PostgreSQL and Trino print: a blank or "t" for "T", a
 * comma before the fraction, the basic form without "-" and ":", zones with hours only (docs/contract.md). Text without a zone is UTC, as
 * the platform's pipelines write it (JavaScript would read it as local time).
 * @returns NaN for any other text, and for dates and times that do not exist
 */
export function isoTimeMs(text: string): number {
  const match = ISO_TIME.exec(trimInvisible(text));
  if (match === null) return NaN;
  const [, year, , month, day, hour, , minute, second, fraction, zone, sign, zoneHours, zoneMinutes] = match;
  const dayMs = dateMs(Number(year), Number(month), Number(day));
  const timeMs = timeOfDayMs(Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0), fraction ?? '');
  if (zone === undefined || sign === undefined) return dayMs + timeMs;
  const offsetMs = timeOfDayMs(Number(zoneHours), Number(zoneMinutes ?? 0), 0, '');
  return dayMs + timeMs + (sign === '+' ? -offsetMs : offsetMs);
}

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** After 400 years the calendar repeats. */
const MS_IN_400_YEARS = 146_097 * 86_400_000;

/** NaN for a date that does not exist, such as 30 February. `Date.parse` would read it as 2 March. */
function dateMs(year: number, month: number, day: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 && !isLeap ? 28 : (DAYS_IN_MONTH[month - 1] ?? 0);
  // add 400 years, because Date.UTC reads the years 0 to 99 as 1900 to 1999
  return day >= 1 && day <= days ? Date.UTC(year + 400, month - 1, day) - MS_IN_400_YEARS : NaN;
}

/** NaN for a time that does not exist. 24:00 is the end of the day. */
function timeOfDayMs(hour: number, minute: number, second: number, fraction: string): number {
  const ms = ((hour * 60 + minute) * 60 + second) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
  return minute < 60 && second < 60 && ms <= 86_400_000 ? ms : NaN;
}
