import { parseWholeNumber } from '../values/whole-number.ts';
import { firstPoints } from './first-points.ts';

/** A KOL with one of its names, as the index holds it. */
export interface SearchHit {
  readonly kol_id: string;
  /** The name that matches, as the lakehouse has it. */
  readonly name: string;
  readonly followers_count: number | null;
}

/** Code points of a text that members begin with. A longer query is compared with the whole name. */
const MAX_KEY = 24;
/** Between the parts of a member. Neither ids nor names have control characters. */
const SEPARATOR = '\0';
/** Members with this start hold the most followed KOLs of a short text that very many names begin with. */
const CROWDED = '\x01';
/** Sorts behind every character that can follow. */
const LAST = '\u{10FFFF}';

/** What the members of a text begin with. */
export const keyOf = (text: string): string => firstPoints(text, MAX_KEY);

/** A member of search:index. Members sort by their text, so all that begin with a query follow each other. */
export const formatMember = (text: string, { kol_id, name, followers_count }: SearchHit): string =>
  [keyOf(text), followers_count ?? '', kol_id, name].join(SEPARATOR);

/** The member that lists a KOL among the most followed of a text. */
export const formatCrowdedMember = (text: string, hit: SearchHit): string =>
  `${CROWDED}${formatMember(text, hit)}`;

/** @returns null for text that no function of this file wrote */
export function parseMember(member: string): SearchHit | null {
  const [text, followers, kol_id, name, ...more] = member.split(SEPARATOR);
  if (text === undefined || kol_id === undefined || name === undefined || more.length > 0) return null;
  return { kol_id, name, followers_count: parseWholeNumber(followers) };
}

/** Where the members of a query are, as bounds of ZRANGEBYLEX. */
export interface MemberRanges {
  /** The most followed KOLs, where so many match that they are listed. */
  readonly crowded: readonly [min: string, max: string];
  /** All that match. */
  readonly all: readonly [min: string, max: string];
}

export function rangesOf(query: string): MemberRanges {
  const key = keyOf(query);
  const listed = `${CROWDED}${key}${SEPARATOR}`;
  return { crowded: [`[${listed}`, `(${listed}${LAST}`], all: [`[${key}`, `(${key}${LAST}`] };
}

/** A glob pattern of Redis for all members of a KOL, and for those of KOLs with so many followers as the id says. */
export const membersOfKol = (kolId: string): string =>
  `*${SEPARATOR}${kolId.replaceAll(/[*?[\]\\^-]/g, '\\$&')}${SEPARATOR}*`;
