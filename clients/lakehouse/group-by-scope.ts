import type { OnInvalid } from '../../domain/schema/field.ts';
import { mapRows, type Row } from '../../domain/schema/table-entity.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { isPlatform } from '../../domain/values/text-ids.ts';
import type { ReadOptions } from './read-options.ts';

/** Results for each platform and for `all`. */
export type ByPlatform<T> = ReadonlyMap<string, T>;

/** Characters of a wrong name that a reason shows: reports have reasons, and their size is limited. */
const MAX_SHOWN = 80;

/**
 * Maps rows `[scope, …]` to one list per scope. The scope is a platform or `all`. Skips and reports rows whose platform name is not allowed
 * in a cache key.
 */
export function groupByScope<T>(
  rows: readonly Row[],
  map: (row: Row, onInvalid?: OnInvalid) => T,
  options: ReadOptions,
): ByPlatform<T[]> {
  const scopeOf = (row: Row) => row[0] ?? '';
  const accepted = rows.filter((row) => {
    const isValid = isPlatform(scopeOf(row));
    if (!isValid) {
      const shown = JSON.stringify(scopeOf(row).slice(0, MAX_SHOWN));
      options.onRejected?.(`platform: ${shown} is not a platform name`);
    }
    return isValid;
  });
  return new Map(
    [...groupBy(accepted, scopeOf)].map(([scope, members]) => [
      scope,
      mapRows(members, map, options.onRejected, options.onInvalid),
    ]),
  );
}
