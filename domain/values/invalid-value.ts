/** A value from outside that is not valid: its name, the value (shortened), and what is accepted. */
export interface InvalidValue {
  readonly name: string;
  readonly given: unknown;
  readonly accepted: string;
}

/** Characters and list items of an invalid value that an error message shows. */
const MAX_CHARACTERS = 80;
const MAX_ITEMS = 3;

/** Shortens an invalid value so that an error message can show it. */
export function shorten(given: unknown): unknown {
  if (Array.isArray(given)) return given.slice(0, MAX_ITEMS).map(shorten);
  if (typeof given === 'string') return given.slice(0, MAX_CHARACTERS);
  if (typeof given !== 'object' || given === null) return given;
  const json = JSON.stringify(given);
  return json.length > MAX_CHARACTERS ? json.slice(0, MAX_CHARACTERS) : given;
}

/** One sentence on one line. */
export const formatInvalidValue = ({ name, given, accepted }: InvalidValue): string =>
  `${name} = ${JSON.stringify(given) ?? 'nothing'} is not valid: accepted is ${accepted}`;
