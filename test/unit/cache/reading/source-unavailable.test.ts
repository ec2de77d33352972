import { describe, expect, test } from 'vitest';
import {
  SourceUnavailableError,
  translateSourceError,
} from '../../../../cache/reading/source-unavailable.ts';
import { TrinoQueryError } from '../../../../clients/lakehouse/trino-errors.ts';

const userError = (name: string) => new TrinoQueryError('q', name, 'USER_ERROR', 'words');

describe('an error of a miss', () => {
  test.each([
    'TABLE_NOT_FOUND',
    'SCHEMA_NOT_FOUND',
    'COLUMN_NOT_FOUND',
    'USER_CANCELED',
    'ADMINISTRATIVELY_KILLED',
    'VIEW_IS_STALE',
    'INVALID_VIEW',
  ])('that a load or an operator causes (%s) means that the lakehouse cannot answer now', (name) => {
    expect(translateSourceError('profile', userError(name))).toBeInstanceOf(SourceUnavailableError);
  });

  test('of a wrong query is returned unchanged', () => {
    const error = userError('SYNTAX_ERROR');
    expect(translateSourceError('profile', error)).toBe(error);
  });
});
