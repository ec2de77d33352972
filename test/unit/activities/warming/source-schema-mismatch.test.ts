import { expect, test } from 'vitest';
import { translateSchemaError } from '../../../../activities/warming/source-schema-mismatch.ts';
import { SourceSchemaError } from '../../../../clients/lakehouse/silver-catalog.ts';

const problemOf = (column: string | null) =>
  new SourceSchemaError([{ table: 'kol_profiles', column, found: 'varchar', accepted: 'boolean' }]);
const MISMATCH = {
  type: 'SourceSchemaMismatch',
  nonRetryable: true,
  message:
    'The source schema is not as expected. The cache keeps what it has. Fix: kol_profiles.verified: found varchar, accepted is boolean.',
};

test('a wrong column is not retried', () => {
  expect(translateSchemaError(problemOf('verified'), 1)).toMatchObject(MISMATCH);
});

test('a missing table is retried a few times, because a load may be creating it again', () => {
  const error = problemOf(null);
  for (const attempt of [1, 2, 3, 4]) expect(translateSchemaError(error, attempt)).toBe(error);
  expect(translateSchemaError(error, 5)).toMatchObject({ type: 'SourceSchemaMismatch', nonRetryable: true });
});

test('any other error is returned unchanged', () => {
  const error = new Error('other');
  expect(translateSchemaError(error, 1)).toBe(error);
});
