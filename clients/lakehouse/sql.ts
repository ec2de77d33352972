/** Thrown for a name that must not be put into SQL. */
export class UnsafeIdentifierError extends Error {
  readonly code = 'SQL_UNSAFE_IDENTIFIER';
  constructor(name: string) {
    super(`${JSON.stringify(name)} is not a plain SQL identifier (a-z, 0-9, _; at most 128 characters)`);
    this.name = 'UnsafeIdentifierError';
  }
}

/** An SQL identifier, quoted. @throws UnsafeIdentifierError for anything but a plain lower-case name */
export function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,127}$/.test(name)) throw new UnsafeIdentifierError(name);
  return `"${name}"`;
}

/**
 * An SQL string literal. Trino knows no escapes in '…' but the doubled quote; every other character, new lines and
 * backslashes among them, stands for itself. The one place where outside text becomes SQL.
 */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** `('a', 'b')` for an IN list; at least one text. */
export const literals = (texts: readonly string[]): string => `(${texts.map(literal).join(', ')})`;

/** A whole number as SQL. @throws RangeError when it is none */
export function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number`);
  return String(value);
}
