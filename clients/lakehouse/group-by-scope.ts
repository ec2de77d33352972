import { mapRows, type Row } from '../../domain/schema/table-entity.ts';
import { isPlatform } from '../../domain/values/platform.ts';
import type { ReadOptions } from './read-options.ts';

/** Results for each platform and for `all`. */
export type ByPlatform<T> = ReadonlyMap<string, T>;

/**
 * Maps rows `[scope, …]` to one list per scope. The scope is a platform or `all`. Leaves out and reports rows whose platform
 * name must not be part of a cache key.
 */
export function groupByScope<T>(
  rows: readonly Row[],
  map: (row: Row) => T,
  options: ReadOptions,
): ByPlatform<T[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const scope = row[0] ?? '';
    if (!isPlatform(scope)) options.onRejected?.(`platform: ${JSON.stringify(scope)} is not a platform name`);
    else if (!groups.get(scope)?.push(row)) groups.set(scope, [row]);
  }
  return new Map([...groups].map(([scope, members]) => [scope, mapRows(members, map, options.onRejected)]));
}
