import { expect } from 'vitest';
import type { Addresses } from '../../engines/addresses.ts';
import { queryColumn } from './trino.ts';

const SETS = ['/api/v1/kols/top', '/api/v1/stats', '/api/v1/content/trending'];

/**
 * Paths that clients of an API read most: profiles of the lakehouse first, then a ranking, statistics and trending content. Each is
 * read once, so that it is cached.
 */
export async function usualReads(
  url: string,
  { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA }: Pick<Addresses, 'TRINO_URL' | 'TRINO_CATALOG' | 'TRINO_SCHEMA'>,
  profiles: number,
): Promise<string[]> {
  const sql = `SELECT kol_id FROM ${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_profiles LIMIT ${profiles}`;
  const ids = await queryColumn(TRINO_URL, sql);
  const paths = [...ids.map((id) => `/api/v1/kols/${encodeURIComponent(id)}`), ...SETS];
  for (const path of paths) expect((await fetch(url + path)).status, path).toBe(200);
  return paths;
}
