import { describe, expect, test } from 'vitest';
import { checkTable, formatSchemaProblem } from '../../../../domain/schema/check-table.ts';
import { silver } from '../../../../domain/schema/silver-tables.ts';

const columns = (change: Record<string, string | undefined> = {}) =>
  new Map(
    Object.entries({
      ...Object.fromEntries(
        Object.entries(silver.kol_profiles).map(([name, { field }]) => [name, field.accepts[0] ?? '']),
      ),
      ...change,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

describe('the source schema check', () => {
  test('accepts verified as BOOLEAN and as INTEGER', () => {
    expect(checkTable('kol_profiles', columns({ verified: 'boolean' })).problems).toEqual([]);
    expect(checkTable('kol_profiles', columns({ verified: 'integer' })).problems).toEqual([]);
  });

  test('accepts types with a length', () => {
    expect(checkTable('kol_profiles', columns({ username: 'varchar(64)' })).problems).toEqual([]);
  });

  test('accepts the former name of a column', () => {
    const { found, problems } = checkTable(
      'kol_profiles',
      columns({ description: undefined, bio: 'varchar(9)' }),
    );
    expect(problems).toEqual([]);
    expect(found['description']).toEqual({ name: 'bio', type: 'varchar', declared: 'varchar(9)' });
  });

  test('reports every problem with table, column, found and accepted type', () => {
    const { problems } = checkTable(
      'kol_profiles',
      columns({ verified: 'varchar', followers_count: undefined }),
    );
    expect(problems.map(formatSchemaProblem)).toEqual([
      'kol_profiles.followers_count: found no such column, accepted is followers_count of type bigint or integer or smallint or tinyint',
      'kol_profiles.verified: found varchar, accepted is boolean or integer or bigint or smallint or tinyint',
    ]);
  });

  test('reports a missing table', () => {
    expect(checkTable('kol_profiles', new Map()).problems.map(formatSchemaProblem)).toEqual([
      'kol_profiles: found no such table, accepted is a table or view',
    ]);
  });
});
