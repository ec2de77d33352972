import { isId } from '../values/text-ids.ts';
import { groupBy } from '../values/lists.ts';
import { formatCrowdedMember, formatMember, keyOf, type SearchHit } from './index-member.ts';
import { firstPoints } from './first-points.ts';
import { searchText, wordStarts } from './search-text.ts';

/** A KOL with its names from the lakehouse. */
export interface NamedKol {
  readonly kol_id: string;
  /** The first one is shown. */
  readonly names: readonly string[];
  readonly followers_count: number | null;
}

/** Sorts KOLs by descending followers, ties by descending id. Unknown followers come last. */
export const byFollowers = (one: NamedKol, other: NamedKol): number =>
  (other.followers_count ?? -1) - (one.followers_count ?? -1) || (one.kol_id < other.kol_id ? 1 : -1);

/** Control characters separate the parts of a member, and half a surrogate pair cannot be written as UTF-8. */
const NOT_IN_MEMBERS = /[\p{Cc}\p{Cs}]+/gu;
/** Indexed characters of a name; longer names are cut. */
export const MAX_NAME = 100;
/** Maximum number of indexed words of a name. */
export const MAX_WORDS = 6;
/** Members that a search reads. A text at the start of more names is called crowded. */
export const MAX_SCANNED = 500;
/** The most followed KOLs that are listed for a crowded text: the maximum length of an answer. */
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

/** One distinct term for each word of each name. None for an id that a member cannot contain. */
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
 * The crowded texts (more than MAX_SCANNED terms begin with them), each with its most followed KOLs. A longer text can be crowded only if
 * its beginning is, so it recurses into the terms of a crowded text, one code point further.
 * @param start the common start of all terms
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
