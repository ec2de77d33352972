/** A value from outside that is not valid: its name, the value (shortened), and what is accepted. */
export interface InvalidValue {
  readonly name: string;
  readonly given: unknown;
  readonly accepted: string;
}

/** Characters and list items of an invalid value that an error message shows. */
const MAX_CHARACTERS = 80;
const MAX_ITEMS = 3;
/** Levels of nested lists and objects that an error message shows. A sender can nest thousands, which would exhaust the stack. */
const MAX_DEPTH = 3;

/** Shortens an invalid value so that an error message can show it. */
export const shorten = (given: unknown): unknown => shortenTo(given, MAX_DEPTH);

function shortenTo(given: unknown, depth: number): unknown {
  if (typeof given === 'string') return given.slice(0, MAX_CHARACTERS);
  if (Array.isArray(given) && depth > 0)
    return given.slice(0, MAX_ITEMS).map((item) => shortenTo(item, depth - 1));
  const shallow = toDepth(given, depth);
  if (typeof shallow !== 'object' || shallow === null) return shallow;
  const json = JSON.stringify(shallow);
  return json.length > MAX_CHARACTERS ? json.slice(0, MAX_CHARACTERS) : shallow;
}

/** A copy of a JSON value with … in the place of deeper lists and objects. */
function toDepth(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.map((item) => toDepth(item, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toDepth(item, depth - 1)]));
}

/** One sentence on one line. */
export const formatInvalidValue = ({ name, given, accepted }: InvalidValue): string =>
  `${name} = ${JSON.stringify(given) ?? 'nothing'} is not valid: accepted is ${accepted}`;
