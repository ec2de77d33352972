/** Marks such as the accents of é and ạ, which NFKD splits off their letters. */
const MARKS = /\p{M}+/gu;
/** What separates words. */
const NO_LETTER_OR_DIGIT = /[^\p{L}\p{N}]+/u;

/**
 * The words of a text in the one form in which names and queries are compared: lower case, without accents, without punctuation,
 * separated by single blanks. "Nguyễn_Đức" and "nguyen duc" are the same. Letters in fancy styles (𝓐𝓷𝓷𝓪, Ａnna) are plain ones.
 */
export function searchText(text: string): string {
  const plain = text
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(MARKS, '')
    .replaceAll('đ', 'd') // has no accent to split off
    .replaceAll('ς', 'σ'); // the lower case of Σ depends on its place
  return plain
    .split(NO_LETTER_OR_DIGIT)
    .filter((word) => word !== '')
    .join(' ');
}

/** Whether the text of a query begins at the start of a word of a name. Both are search texts. */
export const matchesWordStart = (name: string, query: string): boolean =>
  name.startsWith(query) || name.includes(` ${query}`);

/** The ends of a search text that begin with a word: "a b c", "b c", "c". At most `max`. */
export function wordStarts(text: string, max: number): string[] {
  const ends: string[] = [];
  for (let at = 0; at < text.length && ends.length < max; at = nextWord(text, at)) ends.push(text.slice(at));
  return ends;
}

function nextWord(text: string, from: number): number {
  const blank = text.indexOf(' ', from);
  return blank === -1 ? text.length : blank + 1;
}
