import { z } from 'zod';
import * as kinds from '../../domain/schema/field.ts';
import type { Field, Fields, Scalar } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';

/** RFC 3339 in UTC. */
export const utcTime = z.iso.datetime();
export const count = z.int().min(0);

/** The JSON value of each kind of field, by its name in domain/schema/field.ts. */
const kindSchemas = {
  id: z.string().min(1),
  reference: z.string().nullable(),
  text: z.string().nullable(),
  platform: z.string().nullable(),
  count: count.nullable(),
  decimal: z.number().nullable(),
  flag: z.boolean().nullable(),
  time: utcTime.nullable(),
} as const satisfies Partial<Record<keyof typeof kinds, z.ZodType>>;

/** @throws Error for a kind that has no schema */
function schemaOf(field: Field<Scalar>): z.ZodType {
  const found = Object.entries(kindSchemas).find(
    ([name]) => kinds[name as keyof typeof kindSchemas] === field,
  );
  if (found === undefined) throw new Error('a kind of field has no schema in api/schemas/table-schema.ts');
  return found[1];
}

/** The schema of a row of a Silver table, as the API returns it. @param id its name in the OpenAPI document */
export const tableSchema = ({ fields }: Pick<TableEntity<Fields>, 'fields'>, id: string) =>
  z
    .strictObject(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOf(field)])))
    .meta({ id });
