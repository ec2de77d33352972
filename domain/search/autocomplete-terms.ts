import type { NamedKol } from './build-index.ts';
import { firstPoints } from './first-points.ts';

/** Characters of a term. */
const MAX_LENGTH = 200;

/**
 * The terms of `search:autocomplete`: distinct names in lower case.
 * @param kols most followers first; the terms after the first `maxTerms` are left out
 */
export function autocompleteTerms(kols: Iterable<Pick<NamedKol, 'names'>>, maxTerms: number): string[] {
  const terms = new Set<string>();
  for (const { names } of kols) {
    for (const name of names) {
      const term = name.trim().toLowerCase();
      if (terms.size < maxTerms && isTerm(term)) terms.add(term);
    }
    if (terms.size === maxTerms) break;
  }
  return [...terms];
}

const isTerm = (text: string): boolean => text !== '' && firstPoints(text, MAX_LENGTH) === text;
