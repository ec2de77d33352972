/** The first code points of a text, so that no surrogate pair is split. */
export const firstPoints = (text: string, count: number): string =>
  // a code point has at most two code units
  text.length <= count ? text : [...text.slice(0, 2 * count)].slice(0, count).join('');
