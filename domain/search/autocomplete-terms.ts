import { MAX_NAME, MAX_WORDS, type NamedKol } from './build-index.ts';
import { firstPoints } from './first-points.ts';
import { searchText, wordStarts } from './search-text.ts';

/** Characters of a term. */
const MAX_LENGTH = 200;

/**
 * The terms of `search:autocomplete`: distinct names in lower case. A name without letters and digits is left out, because the search index,
 * which tells an erasure the names of a KOL, does not have it.
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

const isTerm = (text: string): boolean => searchText(text) !== '' && firstPoints(text, MAX_LENGTH) === text;

const termOf = (name: string): string => name.trim().toLowerCase();

/**
 * Recognises the terms that may be a name of a KOL.
 * @param known the names that the search index and the cache have of the KOL. The index lacks a name whose words end another one,
 * and the end of a long name: so terms are compared by their words, and some of other KOLs are recognised too
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
