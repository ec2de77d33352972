import { parseFields, type ValueOf } from '../schema/field.ts';
import { silver } from '../schema/silver-tables.ts';
import type { Row } from '../schema/table-entity.ts';

/** `processed_at` only chooses between several rows of an account. */
const { processed_at: _, ...columns } = silver.kol_trust_features;

/** Columns of kol_trust_features in the order that `trustFeaturesFromRow` expects. */
export const trustFeatureColumns = Object.keys(columns) as (keyof typeof columns)[];

const fields = Object.fromEntries(trustFeatureColumns.map((name) => [name, columns[name].field])) as {
  readonly [Name in keyof typeof columns]: (typeof columns)[Name]['field'];
};

/** Features of a KOL in the lakehouse; null means unknown. */
export type TrustFeatures = ValueOf<typeof fields>;

/** @throws FieldError naming the column whose cell is not valid */
export const trustFeaturesFromRow = (row: Row): TrustFeatures =>
  parseFields(
    fields,
    Object.fromEntries(trustFeatureColumns.map((name, index) => [name, row[index] ?? null])),
  );
