import { firstPoints } from './first-points.ts';

/** Marks such as the accents of é and ạ, which NFKD splits off their letters. */
const MARKS = /\p{M}+/gu;
/** The separators of words. */
const NO_LETTER_OR_DIGIT = /[^\p{L}\p{N}]+/gu;
/** Fast path: half of all names and nearly all usernames are ASCII. */
const ASCII = /^[\0-\x7f]*$/;
const NO_ASCII_LETTER_OR_DIGIT = /[^a-z0-9]+/g;
/** Letters that people type differently and that NFKD does not split. The lower case of Σ depends on its position. */
const PLAIN: Readonly<Record<string, string>> = {
  ...{ đ: 'd', ð: 'd', ħ: 'h', ı: 'i', ł: 'l', ø: 'o', ŧ: 't', ß: 'ss', æ: 'ae', œ: 'oe', þ: 'th' },
  ς: 'σ',
};
const NOT_PLAIN = new RegExp(`[${Object.keys(PLAIN).join('')}]`, 'g');

/** Longer texts are cut. Names from the lakehouse have no limit, and to normalise a long run of marks takes quadratic time. */
const MAX_POINTS = 1000;

/** Identifies the format of search texts. Change it with the code, because the index contains search texts. */
export const SEARCH_TEXT_FORMAT = 'plain-latin';

/**
 * Normalises the words of a text, to compare names and queries: lower case, without accents, without punctuation, separated by single
 * blanks. "Nguyễn_Đức" and "nguyen duc", "Weiß" and "WEISS" are the same. Letters in fancy styles (𝓐𝓷𝓷𝓪, Ａnna) are plain ones.
 */
export function searchText(given: string): string {
  const text = firstPoints(given, MAX_POINTS);
  if (ASCII.test(text)) return text.toLowerCase().replaceAll(NO_ASCII_LETTER_OR_DIGIT, ' ').trim();
  return text
    .normalize('NFKD')
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(MARKS, '')
    .replaceAll(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter)
    .replaceAll(NO_LETTER_OR_DIGIT, ' ')
    .trim();
}

/** Whether the text of a query begins at the start of a word of a name. Both are search texts. */
export const matchesWordStart = (name: string, query: string): boolean =>
  name.startsWith(query) || name.includes(` ${query}`);

/** The suffixes of a search text that begin with a word: "a b c", "b c", "c". At most `max`. */
export function wordStarts(text: string, max: number): string[] {
  const ends: string[] = [];
  for (let at = 0; at < text.length && ends.length < max; at = nextWord(text, at)) ends.push(text.slice(at));
  return ends;
}

function nextWord(text: string, from: number): number {
  const blank = text.indexOf(' ', from);
  return blank === -1 ? text.length : blank + 1;
}
