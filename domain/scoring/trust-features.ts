import { parseFields, type OnInvalid, type ValueOf } from '../schema/field.ts';
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

/** A cell that is not valid is unknown and reported. @throws FieldError when it is the id */
export const trustFeaturesFromRow = (row: Row, onInvalid: OnInvalid = () => {}): TrustFeatures =>
  parseFields(
    fields,
    Object.fromEntries(trustFeatureColumns.map((name, index) => [name, row[index] ?? null])),
    onInvalid,
  );
