import { isId } from '../values/text-ids.ts';
import { groupBy } from '../values/lists.ts';
import { formatCrowdedMember, formatMember, keyOf, type SearchHit } from './index-member.ts';
import { firstPoints } from './first-points.ts';
import { searchText, wordStarts } from './search-text.ts';

/** A KOL with its names, as the lakehouse has them. */
export interface NamedKol {
  readonly kol_id: string;
  /** The one to show first. */
  readonly names: readonly string[];
  readonly followers_count: number | null;
}

/** Sorts KOLs by descending followers, ties by descending id. Unknown followers come last. */
export const byFollowers = (one: NamedKol, other: NamedKol): number =>
  (other.followers_count ?? -1) - (one.followers_count ?? -1) || (one.kol_id < other.kol_id ? 1 : -1);

/** Control characters separate the parts of a member, and half a surrogate pair cannot be written as UTF-8. */
const NOT_IN_MEMBERS = /[\p{Cc}\p{Cs}]+/gu;
/** Characters of a name that is indexed; what is longer is cut. */
export const MAX_NAME = 100;
/** Words of a name at which a query can begin. */
export const MAX_WORDS = 6;
/** Members that a search reads. Texts that more names begin with are crowded. */
export const MAX_SCANNED = 500;
/** The most followed KOLs that are listed for a crowded text: the most that a search can answer. */
export const MAX_LISTED = 100;

/** A text at which a query can begin, and the KOL that it finds. */
interface Term {
  readonly text: string;
  readonly hit: SearchHit;
}

/**
 * The members of the search index of one platform.
 * @param kols most followers first; those after `maxTerms` terms are left out
 */
export function buildSearchIndex(kols: Iterable<NamedKol>, maxTerms: number): string[] {
  const terms: Term[] = [];
  for (const kol of kols) {
    if (terms.length >= maxTerms) break;
    terms.push(...termsOf(kol));
  }
  const members = terms.map(({ text, hit }) => formatMember(text, hit));
  for (const [text, hits] of crowdedTexts(terms))
    members.push(...hits.map((hit) => formatCrowdedMember(text, hit)));
  return members;
}

/** One term for each word of each name, the same only once. None for an id that cannot be in a member. */
function termsOf({ kol_id, names, followers_count }: NamedKol): Term[] {
  const terms = new Map<string, Term>();
  if (!isId(kol_id)) return [];
  for (const given of names) {
    const name = firstPoints(given.trim(), MAX_NAME).replaceAll(NOT_IN_MEMBERS, ' ').trim();
    for (const text of wordStarts(searchText(name), MAX_WORDS))
      if (!terms.has(text)) terms.set(text, { text: keyOf(text), hit: { kol_id, name, followers_count } });
  }
  return [...terms.values()];
}

/**
 * The texts that more than MAX_SCANNED terms begin with, each with its most followed KOLs. A longer text can be crowded only if its
 * beginning is: it looks at the terms of a crowded text again, one code point further.
 * @param start what all terms begin with
 */
function* crowdedTexts(terms: readonly Term[], start = ''): Generator<[text: string, hits: SearchHit[]]> {
  if (terms.length <= MAX_SCANNED) return;
  if (start !== '') yield [start, mostFollowed(terms)];
  const byNext = groupBy(terms, ({ text }) => text.codePointAt(start.length));
  for (const [next, group] of byNext)
    if (next !== undefined) yield* crowdedTexts(group, start + String.fromCodePoint(next));
}

/** The first KOLs of terms that are sorted by followers, each once. */
function mostFollowed(terms: readonly Term[]): SearchHit[] {
  const hits = new Map<string, SearchHit>();
  for (const { hit } of terms) {
    if (hits.size >= MAX_LISTED) break;
    if (!hits.has(hit.kol_id)) hits.set(hit.kol_id, hit);
  }
  return [...hits.values()];
}
