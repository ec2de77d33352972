import { content } from '../../domain/entities/content.ts';
import { profile } from '../../domain/entities/profile.ts';
import {
  silver,
  silverTables,
  type SilverColumn,
  type SilverTable,
} from '../../domain/schema/silver-tables.ts';
import { code, table } from './markdown.ts';
import { sampleFeatures } from './samples.ts';

/** Cached fields by the column they come from, and the key that holds them. */
const cachedFields: Readonly<
  Record<SilverTable, { key: string; columns: Readonly<Record<string, string>> } | null>
> = {
  kol_profiles: { key: profile.key('{kol_id}'), columns: profile.columns },
  kol_content: { key: content.key('{content_id}'), columns: content.columns },
  kol_trust_features: null,
};

/** One table for each Silver table: columns, accepted types, and the cached field of each column. */
export function silverSections(): Readonly<Record<string, string>> {
  return { 'silver-tables': silverTables.map(renderTable).join('\n\n') };
}

function renderTable(name: SilverTable): string {
  const cached = cachedFields[name];
  const target = cached === null ? 'used as' : `field of ${code(cached.key)}`;
  const rows = Object.entries<SilverColumn>(silver[name]).map(([column, { field, formerName }]) => [
    code(column) + (formerName === undefined ? '' : `, or ${code(formerName)} in older tables`),
    field.accepts.map(code).join(', '),
    cached === null ? featureOf(column) : code(cachedFieldOf(cached.columns, column)),
  ]);
  return `### ${code(name)}\n\n${table(['column', 'accepted Trino types', target], rows)}`;
}

function cachedFieldOf(columns: Readonly<Record<string, string>>, column: string): string {
  const [field] = Object.entries(columns).find(([, from]) => from === column) ?? [];
  if (field === undefined) throw new Error(`no cached field is made from ${column}`);
  return field;
}

/** kol_trust_features is not cached: it feeds the model, and names the platform of a score that no event made. */
function featureOf(column: string): string {
  if (column in sampleFeatures) return `${code(column)} of the model`;
  if (column === 'processed_at') return 'the newest row of an account counts';
  if (column === 'platform') return '`platform` of a score on the cold path';
  throw new Error(`nothing uses the column ${column} of kol_trust_features`);
}
