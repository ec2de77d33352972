/** A name that must not be part of an SQL statement. */
export class UnsafeIdentifierError extends Error {
  readonly code = 'SQL_UNSAFE_IDENTIFIER';
  constructor(name: string) {
    super(`${JSON.stringify(name)} is not a plain SQL identifier (a-z, 0-9, _; at most 128 characters)`);
    this.name = 'UnsafeIdentifierError';
  }
}

/** A quoted SQL identifier. @throws UnsafeIdentifierError unless it is a plain lower-case name */
export function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,127}$/.test(name)) throw new UnsafeIdentifierError(name);
  return `"${name}"`;
}

/**
 * An SQL string literal. The only escape that Trino knows in '…' is the doubled quote; every other character, including line
 * breaks and backslashes, means itself. All outside text enters SQL through this function.
 */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** `('a', 'b')` for an IN list. Needs at least one text. */
export const literals = (texts: readonly string[]): string => `(${texts.map(literal).join(', ')})`;

/**
 * A BIGINT from text, such as a snapshot id, as SQL; as a plain number, a short one would be an INTEGER. @throws RangeError when the text
 * is not a BIGINT
 */
export function bigInteger(text: string): string {
  if (!/^-?\d{1,19}$/.test(text)) throw new RangeError(`${JSON.stringify(text)} is not a whole number`);
  return `BIGINT '${text}'`;
}

/** A whole number as SQL. @throws RangeError for any other number */
export function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number`);
  return String(value);
}
