import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { translateTrinoError } from '../../../../activities/warming/translate-trino-error.ts';
import { TrinoQueryError, UnreadableIdError } from '../../../../clients/lakehouse/trino-errors.ts';

const queryError = (name: string, type: string) =>
  new TrinoQueryError('20261128_1', name, type, 'the words of Trino');

describe('an error of Trino', () => {
  test.each(['NOT_SUPPORTED', 'TYPE_MISMATCH', 'VIEW_IS_STALE'])(
    'that a retry would repeat (%s) is not retried, and keeps the words of Trino',
    (name) => {
      const failure = translateTrinoError(queryError(name, 'USER_ERROR'));
      expect(failure).toBeInstanceOf(ApplicationFailure);
      expect(failure).toMatchObject({ type: 'SourceUnreadable', nonRetryable: true });
      expect(String(failure)).toContain(`${name}: the words of Trino`);
    },
  );

  test.each([
    ['ICEBERG_CURSOR_ERROR', false],
    ['HIVE_CURSOR_ERROR', true],
    ['GENERIC_INTERNAL_ERROR', true],
  ])('of an id that cannot be read (%s, the files are the same: %s) is not retried', (name, filesAreSame) => {
    const error = new UnreadableIdError(queryError(name, 'EXTERNAL'));
    expect(translateTrinoError(error, { filesAreSame })).toMatchObject({
      type: 'SourceUnreadable',
      nonRetryable: true,
    });
  });

  test('of an id in files that a load may be replacing is retried', () => {
    const error = new UnreadableIdError(queryError('HIVE_CURSOR_ERROR', 'EXTERNAL'));
    expect(translateTrinoError(error)).toBe(error);
  });

  test.each(['ICEBERG_CURSOR_ERROR', 'HIVE_CURSOR_ERROR'])(
    'that Trino also gives for a fault of the storage (%s) is retried',
    (name) => {
      const error = queryError(name, 'EXTERNAL');
      for (const filesAreSame of [false, true])
        expect(translateTrinoError(error, { filesAreSame })).toBe(error);
    },
  );

  test.each([
    ['ICEBERG_BAD_DATA', false],
    ['HIVE_BAD_DATA', true],
  ])('of a damaged file (%s, the files are the same: %s) is not retried', (name, filesAreSame) => {
    expect(translateTrinoError(queryError(name, 'EXTERNAL'), { filesAreSame })).toMatchObject({
      type: 'SourceUnreadable',
      nonRetryable: true,
    });
  });

  test.each([
    ['HIVE_BAD_DATA', 'EXTERNAL'],
    ['HIVE_CANNOT_OPEN_SPLIT', 'EXTERNAL'],
    ['NO_NODES_AVAILABLE', 'INSUFFICIENT_RESOURCES'],
    ['SCHEMA_NOT_FOUND', 'USER_ERROR'],
    ['TABLE_NOT_FOUND', 'USER_ERROR'],
    ['COLUMN_NOT_FOUND', 'USER_ERROR'],
    ['USER_CANCELED', 'USER_ERROR'],
    ['ADMINISTRATIVELY_KILLED', 'USER_ERROR'],
  ])('that passes (%s) is retried', (name, type) => {
    const error = queryError(name, type);
    expect(translateTrinoError(error)).toBe(error);
  });
});
