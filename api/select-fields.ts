import { invalidProblem } from './problem.ts';

/** The field names of an item with an expandable part: `part` is the whole part, `part.name` one field of it. */
export const expandableFields = (
  names: readonly string[],
  part: string,
  partNames: readonly string[],
): string[] => [...names, part, ...partNames.map((name) => `${part}.${name}`)];

/** @throws Problem for fields of a part that the request does not expand */
export function checkExpanded(
  part: string,
  {
    expand,
    fields,
  }: { readonly expand?: string | undefined; readonly fields?: readonly string[] | undefined },
): void {
  const wrong = expand === undefined ? (fields ?? []).filter((field) => field.split('.')[0] === part) : [];
  if (wrong.length > 0)
    throw invalidProblem([
      { name: 'fields', given: wrong.join(','), accepted: `fields of ${part} only beside expand=${part}` },
    ]);
}

/**
 * Limits a mapping to some fields of its result, in the order of the result.
 * @param fields undefined for all; `part.name` is a field of a nested object
 */
export function selectFields<Value, Json extends object, Rest extends unknown[]>(
  toJson: (value: Value, ...rest: Rest) => Json,
  fields: readonly string[] | undefined,
): (value: Value, ...rest: Rest) => Partial<Json> {
  if (fields === undefined) return toJson;
  const wanted = new Set(fields);
  const parts = new Set(fields.filter((field) => field.includes('.')).map((field) => field.split('.')[0]));
  const pick = (json: object, prefix = ''): object =>
    Object.fromEntries(
      Object.entries(json).flatMap(([name, value]: [string, unknown]) => {
        const field = prefix + name;
        if (wanted.has(field)) return [[name, value]];
        if (!parts.has(field)) return [];
        return [[name, typeof value === 'object' && value !== null ? pick(value, `${field}.`) : value]];
      }),
    );
  return (value, ...rest) => pick(toJson(value, ...rest));
}
