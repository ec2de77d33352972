import { MAX_NAME, MAX_WORDS, type NamedKol } from './build-index.ts';
import { firstPoints } from './first-points.ts';
import { searchText, wordStarts } from './search-text.ts';

/** Characters of a term. */
const MAX_LENGTH = 200;

/**
 * The terms of `search:autocomplete`: distinct names in lower case. A name without letters and digits is left out: the search index does
 * not contain it, so an erasure could not find it.
 * @param kols most followers first; the terms after the first `maxTerms` are left out
 */
export function autocompleteTerms(kols: Iterable<Pick<NamedKol, 'names'>>, maxTerms: number): string[] {
  const terms = new Set<string>();
  for (const { names } of kols) {
    for (const name of names) {
      const term = termOf(name);
      if (terms.size < maxTerms && isTerm(term)) terms.add(term);
    }
    if (terms.size === maxTerms) break;
  }
  return [...terms];
}

const isTerm = (text: string): boolean => firstPoints(text, MAX_LENGTH) === text && searchText(text) !== '';

const termOf = (name: string): string => name.trim().toLowerCase();

/**
 * Recognises the terms that may be a name of a KOL.
 * @param known the names of the KOL in the search index and in the cache. The index lacks the end of long names, and names that are the end
 *   of another name. So terms are compared by their words, and some terms of other KOLs match too
 */
export function createTermMatcher(known: Iterable<string>): (term: string) => boolean {
  const terms = new Set<string>();
  const texts = new Set<string>();
  for (const name of known) {
    terms.add(termOf(name));
    for (const text of wordStarts(searchText(name), MAX_WORDS)) texts.add(text);
  }
  return (term) => {
    const text = searchText(term);
    const isLong = firstPoints(term, MAX_NAME) !== term;
    return (
      terms.has(term) || texts.has(text) || (isLong && [...texts].some((start) => text.startsWith(start)))
    );
  };
}
