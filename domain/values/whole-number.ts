/** Parses decimal digits. @returns null for other text, for no text, and for numbers above 2^53 - 1 */
export function parseWholeNumber(text: string | null | undefined): number | null {
  const number = text != null && /^\d+$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(number) ? number : null;
}
