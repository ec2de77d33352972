/**
 * Limits a mapping to some fields of its result, in the order of the result.
 * @param fields undefined for all
 */
export function selectFields<Value, Json extends object, Rest extends unknown[]>(
  toJson: (value: Value, ...rest: Rest) => Json,
  fields: readonly string[] | undefined,
): (value: Value, ...rest: Rest) => Partial<Json> {
  if (fields === undefined) return toJson;
  const wanted = new Set(fields);
  return (value, ...rest) =>
    Object.fromEntries(
      Object.entries(toJson(value, ...rest)).filter(([name]) => wanted.has(name)),
    ) as Partial<Json>;
}
