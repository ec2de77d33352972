import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { problemTypes } from '../../../api/problem.ts';
import { failureTypes } from '../../../contract/failure-types.ts';
import { repositoryFiles, tableRows } from '../../support/repository-files.ts';

const page = readFileSync('docs/errors.md', 'utf8');

/** First cells of a table, without backticks. */
const names = (heading: string): string[] =>
  tableRows(page, heading).map(([name = '']) => name.replaceAll('`', ''));

/** `CODE Class` of every error class in the source that has a code. */
function errorClasses(): string[] {
  const files = repositoryFiles().filter((path) => path.endsWith('.ts') && !path.startsWith('test/'));
  return files.flatMap((path) =>
    // Each class up to the next one.
    readFileSync(path, 'utf8')
      .split(/^(?=export class |class )/m)
      .flatMap((source) => {
        const [, name] = /^(?:export )?class (\w+) extends \w*Error\b/.exec(source) ?? [];
        const [, code] = /^ {2}(?:override )?readonly code(?:: string)? = '([A-Z_]+)'/m.exec(source) ?? [];
        return name === undefined || code === undefined ? [] : [`${code} ${name}`];
      }),
  );
}

test('the page has exactly the error codes of the source, with their classes', () => {
  const described = tableRows(page, 'Error codes').map(([code = '', name = '']) =>
    `${code} ${name}`.replaceAll('`', ''),
  );
  const found = errorClasses();
  expect(found.length).toBeGreaterThan(20);
  expect(described.sort()).toEqual(found.sort());
});

test('an error code belongs to one class only', () => {
  const codes = names('Error codes');
  expect(new Set(codes).size).toBe(codes.length);
});

test('the page has exactly the failure types of the contract', () => {
  expect(names('Failure types').sort()).toEqual(Object.values<string>(failureTypes).sort());
});

test('the page has exactly the problem types of the API, with their status', () => {
  const described = tableRows(page, 'Problem types').map(([name = '', status]) => `${name} ${status}`);
  const expected = Object.entries(problemTypes).map(([name, { status }]) => `\`${name}\` ${status}`);
  expect(described.sort()).toEqual(expected.sort());
});

test('every row has the meaning of the error and what to do', () => {
  for (const heading of ['Error codes', 'Failure types', 'Problem types']) {
    const rows = tableRows(page, heading);
    expect(rows.length).toBeGreaterThan(5);
    for (const cells of rows) expect([cells[0], cells.filter((cell) => cell === '')]).toEqual([cells[0], []]);
  }
});
