import { silver, type SilverTable } from './silver-tables.ts';
import type { CacheEntry } from './entry.ts';
import { parseFields, printValue, type Fields, type Scalar, type ValueOf } from './field.ts';

/** A row as SQL gives it: every cell VARCHAR or null, in the order of the select list. */
export type Row = readonly (string | null)[];

/**
 * An entity that is one row of one Silver table, cached as a hash.
 * The warmer, the read-through and the API all work from this one definition.
 */
export interface TableEntity<F extends Fields> {
  readonly name: string;
  readonly table: SilverTable;
  /** Column that identifies it. */
  readonly idColumn: string;
  readonly ttlSeconds: number;
  readonly key: (id: string) => string;
  /** Cached field → its kind. */
  readonly fields: F;
  /** Cached field → Silver column (expected name). */
  readonly columns: Readonly<Record<keyof F, string>>;
  readonly fromRow: (row: Row) => ValueOf<F>;
  readonly fromHash: (hash: Readonly<Record<string, string>>) => ValueOf<F>;
  readonly toEntry: (id: string, value: ValueOf<F>, cachedAt: string) => CacheEntry;
}

/**
 * Defines such an entity.
 * @param columns cached field → Silver column; the field's kind is the column's
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
  const columnsOf: Record<string, { readonly field: Fields[string] }> = silver[definition.table];
  const fields = Object.fromEntries(
    Object.entries(definition.columns).map(([name, column]) => {
      const found = columnsOf[column];
      if (found === undefined) throw new Error(`${definition.table} has no column ${column}`);
      return [name, found.field];
    }),
  ) as unknown as FieldsOf<T, C>;
  const names = Object.keys(definition.columns);
  const printFields = (value: Readonly<Record<string, Scalar>>) =>
    Object.fromEntries(names.map((name) => [name, printValue(value[name] ?? null)]));
  const entity: TableEntity<FieldsOf<T, C>> = {
    ...definition,
    fields,
    fromRow: (row) =>
      parseFields(fields, Object.fromEntries(names.map((name, index) => [name, row[index] ?? null]))),
    fromHash: (hash) => parseFields(fields, hash),
    toEntry: (id, value, cachedAt) => ({
      key: definition.key(id),
      ttlSeconds: definition.ttlSeconds,
      type: 'hash',
      fields: { ...printFields(value as Readonly<Record<string, Scalar>>), cached_at: cachedAt },
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
