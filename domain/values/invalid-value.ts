/** Something given that will not do: what it is called, what was given (shortened), and what would do. */
export interface InvalidValue {
  readonly name: string;
  readonly given: unknown;
  readonly accepted: string;
}

/** Characters of a wrong value that are sent back or shown. */
const MOST_SHOWN = 80;
const MOST_ITEMS = 3;

/** A wrong value, short enough to be sent back. */
export function shorten(given: unknown): unknown {
  if (Array.isArray(given)) return given.slice(0, MOST_ITEMS).map(shorten);
  if (typeof given === 'string') return given.slice(0, MOST_SHOWN);
  if (typeof given !== 'object' || given === null) return given;
  const json = JSON.stringify(given);
  return json.length > MOST_SHOWN ? json.slice(0, MOST_SHOWN) : given;
}

/** What is wrong as one sentence, on one line. */
export const formatInvalidValue = ({ name, given, accepted }: InvalidValue): string =>
  `${name} = ${JSON.stringify(given) ?? 'nothing'} is not valid: accepted is ${accepted}`;
