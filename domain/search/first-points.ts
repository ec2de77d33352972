/** The first code points of a text, so that no surrogate pair is split. */
export const firstPoints = (text: string, count: number): string =>
  text.length <= count ? text : [...text].slice(0, count).join('');
