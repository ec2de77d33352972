import { silver, type SilverTable } from './silver-tables.ts';
import type { HashEntry } from './entry.ts';
import {
  FieldError,
  fieldsToJson,
  parseFields,
  serializeValue,
  type Fields,
  type OnInvalid,
  type Scalar,
  type ValueOf,
} from './field.ts';

/** A row of a query: every cell is VARCHAR or null, in the order of the select list. */
export type Row = readonly (string | null)[];

/**
 * An entity that is one row of one Silver table and is cached as a hash.
 * The warm, the read-through and the API all use this one definition.
 */
export interface TableEntity<F extends Fields> {
  readonly name: string;
  readonly table: SilverTable;
  /** Column that identifies the row. */
  readonly idColumn: string;
  readonly ttlSeconds: number;
  readonly key: (id: string) => string;
  /** Cached field → its type. */
  readonly fields: F;
  /** Cached field → Silver column (expected name). */
  readonly columns: Readonly<Record<keyof F, string>>;
  readonly idOf: (value: ValueOf<F>) => string;
  /** A cell that is not valid is unknown and reported. @throws FieldError when it is the id */
  readonly fromRow: (row: Row, onInvalid?: OnInvalid) => ValueOf<F>;
  /** Every field of a cached hash. Readers demand all of them; a writer that adds to a hash accepts fewer. */
  readonly requiredFields: readonly string[];
  /** The cached field with the time at which the row was read. */
  readonly timeField: string;
  readonly fromHash: (hash: Readonly<Record<string, string>>) => ValueOf<F>;
  /** The value as the API returns it: times are RFC 3339 in UTC. */
  readonly toJson: (value: ValueOf<F>) => ValueOf<F>;
  readonly toEntry: (id: string, value: ValueOf<F>, cachedAt: string) => HashEntry;
}

const TIME_FIELD = 'cached_at';

/**
 * Defines a table entity.
 * @param definition `columns` maps each cached field to its Silver column; the field has the type of the column
 */
export function tableEntity<
  const C extends Readonly<Record<string, string>>,
  T extends SilverTable,
>(definition: {
  name: string;
  table: T;
  idColumn: string;
  ttlSeconds: number;
  key: (id: string) => string;
  columns: C;
}) {
  const tableColumns: Record<string, { readonly field: Fields[string] }> = silver[definition.table];
  const fields = Object.fromEntries(
    Object.entries(definition.columns).map(([name, column]) => {
      const source = tableColumns[column];
      if (source === undefined) throw new Error(`${definition.table} has no column ${column}`);
      return [name, source.field];
    }),
  ) as unknown as FieldsOf<T, C>;
  const names = Object.keys(definition.columns);
  // Loops, because these run for every row of a warm.
  const textsOf = (row: Row): Record<string, string | null> => {
    const texts: Record<string, string | null> = {};
    names.forEach((name, index) => (texts[name] = row[index] ?? null));
    return texts;
  };
  const serializeFields = (value: Readonly<Record<string, Scalar>>, cachedAt: string) => {
    const texts: Record<string, string> = {};
    for (const name of names) texts[name] = serializeValue(value[name] ?? null);
    texts[TIME_FIELD] = cachedAt;
    return texts;
  };
  const entity: TableEntity<FieldsOf<T, C>> = {
    ...definition,
    fields,
    idOf: (value) => String((value as Readonly<Record<string, Scalar>>)[definition.idColumn]),
    fromRow: (row, onInvalid = () => {}) => parseFields(fields, textsOf(row), onInvalid),
    requiredFields: names,
    timeField: TIME_FIELD,
    fromHash: (hash) => parseFields(fields, hash),
    toJson: (value) => fieldsToJson(fields, value),
    toEntry: (id, value, cachedAt) => ({
      key: definition.key(id),
      ttlSeconds: definition.ttlSeconds,
      type: 'hash',
      fields: serializeFields(value as Readonly<Record<string, Scalar>>, cachedAt),
    }),
  };
  return entity;
}

type FieldsOf<T extends SilverTable, C extends Readonly<Record<string, string>>> = {
  readonly [Name in keyof C]: C[Name] extends keyof (typeof silver)[T]
    ? (typeof silver)[T][C[Name]] extends { readonly field: infer F }
      ? F extends Fields[string]
        ? F
        : never
      : never
    : never;
};

/** Maps rows to values. Leaves out and reports rows for which `map` throws a FieldError. @param onInvalid for `map` */
export function mapRows<T>(
  rows: readonly Row[],
  map: (row: Row, onInvalid?: OnInvalid) => T,
  onRejected?: (reason: string) => void,
  onInvalid?: OnInvalid,
): T[] {
  const values: T[] = [];
  for (const row of rows) {
    try {
      values.push(map(row, onInvalid));
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      onRejected?.(error.message);
    }
  }
  return values;
}
