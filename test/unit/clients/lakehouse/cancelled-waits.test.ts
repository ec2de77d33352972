import { describe, expect, test } from 'vitest';
import { createSilverCatalog } from '../../../../clients/lakehouse/silver-catalog.ts';
import { createVersionReads } from '../../../../clients/lakehouse/table-versions.ts';
import type { Trino } from '../../../../clients/lakehouse/trino.ts';
import { TrinoQueryError } from '../../../../clients/lakehouse/trino-errors.ts';
import { silver } from '../../../../domain/schema/silver-tables.ts';

const SCHEMA = Object.entries(silver).flatMap(([table, columns]) =>
  Object.entries(columns).map(([name, { field }]) => [table, name, field.accepts[0]]),
);

/** A Trino that does not answer, except the queries whose SQL has one of these texts. */
function slowTrino(answers: Record<string, unknown[][]>) {
  const running: AbortSignal[] = [];
  const trino = {
    rows(sql: string, { signal }: { signal?: AbortSignal }) {
      const answer = Object.entries(answers).find(([text]) => sql.includes(text))?.[1];
      if (answer !== undefined) return Promise.resolve(answer);
      if (signal !== undefined) running.push(signal);
      return new Promise(() => {});
    },
  } as unknown as Trino;
  return { trino, running, catalog: createSilverCatalog(trino, { catalog: 'c', schema: 's' }) };
}

const damaged = new TrinoQueryError('q', 'ICEBERG_BAD_DATA', 'EXTERNAL', '');

describe('a cancelled reader leaves immediately while Trino', () => {
  const schema = { information_schema: SCHEMA };
  const cases: [
    string,
    Record<string, unknown[][]>,
    (trino: ReturnType<typeof slowTrino>, signal: AbortSignal) => Promise<unknown>,
    boolean,
  ][] = [
    ['lists the columns', {}, ({ catalog }, signal) => catalog.source({}, [], signal), true],
    [
      'looks for repeated ids',
      schema,
      ({ catalog }, signal) => catalog.source({}, ['kol_profiles'], signal),
      true,
    ],
    [
      'reads the version of a table',
      schema,
      ({ trino, catalog }, signal) =>
        createVersionReads(trino, catalog).tableVersions(['kol_profiles'], signal),
      true,
    ],
    [
      'reads the columns one by one',
      schema,
      ({ catalog }, signal) => catalog.learnFrom(damaged, ['kol_profiles'], {}, signal),
      false,
    ],
  ];
  test.each(cases)('%s', async (_, answers, read, endsQuery) => {
    const slow = slowTrino(answers);
    const cancel = new AbortController();
    const reading = read(slow, cancel.signal);
    reading.catch(() => {});
    if (endsQuery) await expect.poll(() => slow.running.length).toBe(1);
    else await new Promise((resolve) => setTimeout(resolve, 10));
    cancel.abort(new Error('cancelled'));
    await expect(reading).rejects.toThrow('cancelled');
    expect(slow.running.map(({ aborted }) => aborted)).toEqual(endsQuery ? [true] : []);
  });
});

test('the query of a version continues while another reader waits for it', async () => {
  const { trino, running, catalog } = slowTrino({ information_schema: SCHEMA });
  const versions = createVersionReads(trino, catalog).tableVersions;
  const [one, other] = [new AbortController(), new AbortController()];
  const readings = [one, other].map(({ signal }) => versions(['kol_profiles'], signal));
  const failures = Promise.allSettled(readings);
  await expect.poll(() => running.length).toBe(1);
  one.abort(new Error('one part was cancelled'));
  await expect(readings[0]).rejects.toThrow('one part was cancelled');
  expect(running[0]?.aborted).toBe(false);
  other.abort(new Error('the other one too'));
  expect(running[0]?.aborted).toBe(true);
  expect((await failures).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
