import { fingerprint } from './fingerprint.ts';
import { parseWholeNumber } from './whole-number.ts';

/** A position in one version of a list. */
export interface ListCursor {
  /** Version of the list, see `listVersion`. */
  readonly version: string;
  /** Number of items before this position. */
  readonly offset: number;
}

/** The version of a list: it changes when items are added, removed or moved. */
export const listVersion = (ids: readonly string[]): string => fingerprint(ids.join('\n'));

export const formatCursor = ({ version, offset }: ListCursor): string => `${version}-${offset}`;

/** @returns null for text that `formatCursor` does not write */
export function parseCursor(text: string): ListCursor | null {
  const [, version, digits] = /^([0-9a-f]{16})-([1-9]\d{0,8})$/.exec(text) ?? [];
  const offset = parseWholeNumber(digits);
  return version === undefined || offset === null ? null : { version, offset };
}
