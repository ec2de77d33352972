import { parseWholeNumber } from '../values/whole-number.ts';
import { firstPoints } from './first-points.ts';

/** A KOL with one of its names, from the index. */
export interface SearchHit {
  readonly kol_id: string;
  /** The matching name, in the spelling of the lakehouse. */
  readonly name: string;
  readonly followers_count: number | null;
}

/** Code points of a text that members begin with. A longer query is compared with the whole name. */
const MAX_KEY = 24;
/** Separates the parts of a member. Ids and names have no control characters. */
const SEPARATOR = '\0';
/** Members with this start hold the most followed KOLs of a short text that very many names begin with. */
const CROWDED = '\x01';
/** Sorts after every other character. */
const LAST = '\u{10FFFF}';

/** The start of the members of a text. */
export const keyOf = (text: string): string => firstPoints(text, MAX_KEY);

/** A member of search:index. Members sort by their text, so all members that begin with a query are adjacent. */
export const formatMember = (text: string, { kol_id, name, followers_count }: SearchHit): string =>
  [keyOf(text), followers_count ?? '', kol_id, name].join(SEPARATOR);

/** The member that lists a KOL among the most followed of a text. */
export const formatCrowdedMember = (text: string, hit: SearchHit): string =>
  `${CROWDED}${formatMember(text, hit)}`;

/** @returns null for text that the functions of this file do not write */
export function parseMember(member: string): SearchHit | null {
  const [text, followers, kol_id, name, ...more] = member.split(SEPARATOR);
  if (text === undefined || kol_id === undefined || name === undefined || more.length > 0) return null;
  return { kol_id, name, followers_count: parseWholeNumber(followers) };
}

/** The members of a query, as bounds of ZRANGEBYLEX. */
export interface MemberRanges {
  /** The listed most followed KOLs, if very many match. */
  readonly crowded: readonly [min: string, max: string];
  /** All that match. */
  readonly all: readonly [min: string, max: string];
}

export function rangesOf(query: string): MemberRanges {
  const key = keyOf(query);
  const listed = `${CROWDED}${key}${SEPARATOR}`;
  return { crowded: [`[${listed}`, `(${listed}${LAST}`], all: [`[${key}`, `(${key}${LAST}`] };
}

/** A Redis glob pattern for all members of a KOL. It also matches KOLs whose number of followers equals the id. */
export const membersOfKol = (kolId: string): string =>
  `*${SEPARATOR}${kolId.replaceAll(/[*?[\]\\^-]/g, '\\$&')}${SEPARATOR}*`;
