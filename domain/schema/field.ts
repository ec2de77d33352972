import { shorten } from '../values/invalid-value.ts';
import { isoTimeMs } from '../values/iso-time.ts';

/**
 * One field of a cached entity: its column types in the lakehouse, and its parser.
 * SQL casts every column to VARCHAR and Redis hashes hold strings, so one `parse` serves both sources and both give the same
 * value. Ids must travel as text, because trino-client rounds BIGINT above 2^53 (docs/decisions/0008-trino-client.md).
 */
export interface Field<Value> {
  /** Trino base types that the source column may have, e.g. `bigint`. */
  readonly accepts: readonly string[];
  /** Builds a SQL expression of type VARCHAR for a column. @param type its Trino base type, one of `accepts` */
  readonly select: (column: string, type: string) => string;
  /** Parses text; null and "" mean unknown. @throws FieldError when the text is not valid */
  readonly parse: (text: string | null | undefined) => Value;
  /** The value as the API returns it; without it, the value itself. */
  readonly toJson?: (value: Scalar) => Scalar;
}

/** A cell or a cached value that is not valid for its field. */
export class FieldError extends Error {
  readonly code = 'FIELD_INVALID';
  constructor(text: string, expected: string) {
    super(`${JSON.stringify(text.slice(0, 80))} is not ${expected}`);
    this.name = 'FieldError';
  }
}

export type Scalar = string | number | boolean | null;
export type Fields = Readonly<Record<string, Field<Scalar>>>;
/** The object that a set of fields describes, as the API returns it. */
export type ValueOf<F extends Fields> = { readonly [Name in keyof F]: ReturnType<F[Name]['parse']> };

const asVarchar = (column: string) => `CAST(${column} AS VARCHAR)`;
const isKnown = (text: string | null | undefined): text is string =>
  text !== null && text !== undefined && text !== '';

/** Free text. Text that looks like a number stays text. */
export const text: Field<string | null> = {
  accepts: ['varchar', 'char'],
  select: asVarchar,
  parse: (cell) => (isKnown(cell) ? cell : null),
};

/** The name of a platform. Sources write it in any case; it is one platform. */
export const platform: Field<string | null> = {
  ...text,
  select: (column) => `lower(trim(${asVarchar(column)}))`,
};

/** An id, which is never unknown. Integer columns are accepted too, because ids can be stored as numbers. */
export const id: Field<string> = {
  accepts: ['varchar', 'char', 'bigint', 'integer'],
  select: asVarchar,
  parse: (cell) => {
    if (!isKnown(cell)) throw new FieldError('', 'an id');
    return cell;
  },
};

/** The id of another entity, or unknown. */
export const reference: Field<string | null> = { ...text, accepts: id.accepts };

/** A whole number ≥ 0 that fits a double exactly, or unknown. */
export const count: Field<number | null> = {
  accepts: ['bigint', 'integer', 'smallint', 'tinyint'],
  select: asVarchar,
  parse: (cell) => {
    if (!isKnown(cell)) return null;
    const value = Number(cell);
    if (!/^\d+$/.test(cell) || !Number.isSafeInteger(value))
      throw new FieldError(cell, 'a count of 0 to 2^53 - 1');
    return value;
  },
};

/** Trino's text for the DOUBLE values that a job writes after a division by zero. */
const NOT_FINITE = /^(?:NaN|[+-]?Infinity)$/;

/** A finite decimal number, or unknown. NaN and Infinity count as unknown. */
export const decimal: Field<number | null> = {
  accepts: ['double', 'real', 'decimal', 'bigint', 'integer'],
  select: asVarchar,
  parse: (cell) => {
    if (!isKnown(cell) || NOT_FINITE.test(cell)) return null;
    const value = Number(cell);
    if (!Number.isFinite(value)) throw new FieldError(cell, 'a finite number');
    return value;
  },
};

/** True or false, or unknown. Silver has BOOLEAN columns in one environment and INTEGER columns in another. */
export const flag: Field<boolean | null> = {
  accepts: ['boolean', 'integer', 'bigint', 'smallint', 'tinyint'],
  select: (column) => asVarchar(`CAST(${column} AS BOOLEAN)`),
  parse: (cell) => {
    if (!isKnown(cell)) return null;
    if (cell === 'true' || cell === '1') return true;
    if (cell === 'false' || cell === '0') return false;
    throw new FieldError(cell, 'true or false');
  },
};

/** A time as ISO 8601 text: VARCHAR columns as they are, TIMESTAMP columns as RFC 3339 in UTC. */
export const time: Field<string | null> = {
  ...text,
  accepts: ['varchar', 'char', 'timestamp', 'timestamp with time zone', 'date'],
  select: (column, type) =>
    type.startsWith('timestamp')
      ? `to_iso8601(at_timezone(CAST(${column} AS timestamp(3) with time zone), 'UTC'))`
      : asVarchar(column),
  toJson: (cell) => (typeof cell === 'string' ? utcTime(cell) : null),
};

/** RFC 3339 in UTC; null for text that is not a time. */
function utcTime(cell: string): string | null {
  const ms = isoTimeMs(cell);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** Reports a value that is not valid, with the name of its field. */
export type OnInvalid = (reason: string) => void;

/**
 * Parses each field from the text of its name.
 * @param onInvalid a value that is not valid becomes unknown and is reported, unless it is an id; without it, it is an error
 * @throws FieldError naming the field
 */
export function parseFields<F extends Fields>(
  fields: F,
  texts: Readonly<Record<string, string | null | undefined>>,
  onInvalid?: OnInvalid,
): ValueOf<F> {
  const value: Record<string, Scalar> = {};
  for (const name in fields) {
    try {
      value[name] = fields[name]?.parse(texts[name]) ?? null;
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      error.message = `${name}: ${error.message}`;
      if (onInvalid === undefined || fields[name] === id) throw error;
      onInvalid(error.message);
      value[name] = null;
    }
  }
  return value as ValueOf<F>;
}

/**
 * Reads a JSON array of objects with these fields.
 * @throws SyntaxError for text that is no JSON; FieldError for another value than an array, and for an object that lacks a field or
 *   has a wrong value in one
 */
export function parseList<F extends Fields>(fields: F, json: string): readonly ValueOf<F>[] {
  const items: unknown = JSON.parse(json);
  if (!Array.isArray(items)) throw new FieldError(json, 'a JSON array');
  for (const item of items) checkFields(fields, item);
  return items as ValueOf<F>[];
}

function checkFields(fields: Fields, item: unknown): void {
  if (typeof item !== 'object' || item === null) throw new FieldError(JSON.stringify(item), 'a JSON object');
  for (const name in fields) {
    const value = (item as Readonly<Record<string, Scalar | object | undefined>>)[name];
    const isScalar = value !== undefined && (value === null || typeof value !== 'object');
    // a value is valid if parsing its text gives the same value
    if (!isScalar || fields[name]?.parse(serializeValue(value)) !== value)
      throw new FieldError(JSON.stringify(shorten(value)) ?? '', `a value of the field ${name}`);
  }
}

/** The value as the API returns it. */
export function fieldsToJson<F extends Fields>(fields: F, value: ValueOf<F>): ValueOf<F> {
  const json: Record<string, Scalar> = {};
  for (const [name, field] of Object.entries(fields)) {
    const scalar = value[name] ?? null;
    json[name] = field.toJson === undefined ? scalar : field.toJson(scalar);
  }
  return json as ValueOf<F>;
}

/** The text to cache for a value: null as "", booleans as true/false, counts as plain integers. */
export const serializeValue = (value: Scalar): string => (value === null ? '' : String(value));
