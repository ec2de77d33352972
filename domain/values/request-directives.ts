/** The demands of a client on a cached answer: the request directives of Cache-Control (RFC 9111, section 5.2.1). */
export interface RequestDirectives {
  /** The greatest age in seconds that the client accepts. */
  readonly maxAge?: number | undefined;
  /** How many seconds beyond `maxAge` the client accepts; Infinity for any number. */
  readonly maxStale?: number | undefined;
  /** How many seconds the answer must stay cached. */
  readonly minFresh?: number | undefined;
  /** The client wants an answer from the source. */
  readonly noCache: boolean;
  /** The client wants no answer from the source. */
  readonly onlyIfCached: boolean;
}

/** A list element of the header: text in quotes may have commas. A quote that is not closed ends with the header. */
const ELEMENT = /(?:[^",]|"(?:[^"\\]|\\[^])*"?)+/g;
const DIRECTIVE = /^([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*([^]*))?$/;
/** RFC 9111, section 1.2.2: a larger number counts as this one. */
const MAX_SECONDS = 2 ** 31;

/**
 * Reads a Cache-Control header of a request. It never throws: unknown directives, and those whose number cannot be read, are ignored. If a
 * directive is repeated, the first valid one counts.
 * @returns undefined when the client accepts any answer
 */
export function parseRequestDirectives(header: string): RequestDirectives | undefined {
  const values = new Map<string, string>();
  const seconds = new Map<string, number>();
  for (const [element] of header.matchAll(ELEMENT)) {
    const [, name = '', value = ''] = DIRECTIVE.exec(element.trim()) ?? [];
    const directive = name.toLowerCase();
    if (!values.has(directive)) values.set(directive, value);
    const number = parseSeconds(value);
    if (number !== undefined && !seconds.has(directive)) seconds.set(directive, number);
  }
  const maxStale = values.get('max-stale') === '' ? Infinity : seconds.get('max-stale');
  const directives = {
    maxAge: seconds.get('max-age'),
    maxStale,
    minFresh: seconds.get('min-fresh'),
    noCache: values.has('no-cache'),
    onlyIfCached: values.has('only-if-cached'),
  };
  return isDemanding(directives) ? directives : undefined;
}

/** Whether there are answers that the client does not accept. */
export const isDemanding = ({ maxAge, minFresh, noCache, onlyIfCached }: RequestDirectives): boolean =>
  noCache || onlyIfCached || maxAge !== undefined || minFresh !== undefined;

/**
 * Whether the client accepts a cached answer.
 * @param age seconds since it was read from its source, or confirmed
 * @param left seconds that it stays cached; negative for a stale answer
 */
export const acceptsCached = (
  { maxAge = Infinity, maxStale = 0, minFresh = -maxStale, noCache }: RequestDirectives,
  age: number,
  left: number,
): boolean => !noCache && age <= maxAge + maxStale && left >= minFresh;

/** Seconds, also as a quoted string. */
function parseSeconds(value: string): number | undefined {
  const [, , digits] = /^("?)(\d+)\1$/.exec(value) ?? [];
  return digits === undefined ? undefined : Math.min(Number(digits), MAX_SECONDS);
}
