const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, B: 1e9 };
const SHORT = /^(\d+(?:\.\d+)?)([KMB]?)$/i;
const GROUPED = /^\d{1,3}(,\d{3})+$/;

/**
 * Parses a human-readable count: "11.3K" → 11300, "1,234" → 1234, " 999 " → 999; null and "" → 0 (docs/contract.md).
 * @returns null for any other text: that is an error in the event, not 0
 */
export function parseCount(raw: string | null | undefined): number | null {
  const text = raw?.trim() ?? '';
  if (text === '') return 0;
  if (GROUPED.test(text)) return safe(Number(text.replaceAll(',', '')));
  const [, digits, unit] = SHORT.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return null;
  // "1.5" is not a count, "1.5K" is.
  if (unit === '' && digits.includes('.')) return null;
  // In floating point 11.3 × 1000 is 11300.000000000002, so round.
  return safe(Math.round(Number(digits) * (UNITS[unit.toUpperCase()] ?? 1)));
}

const safe = (value: number): number | null => (Number.isSafeInteger(value) ? value : null);
