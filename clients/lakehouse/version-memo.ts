import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import { createFlights } from '../../domain/values/flights.ts';
import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';

/** One result for each table, for its last requested version. */
export interface VersionMemo<T> {
  /**
   * Readers of the same version share one query, which ends when the signals of all of them have aborted. A failure is not remembered.
   * @param versions versions to read; a table without one is read in its current state
   * @throws what the query throws, or the reason of the signal
   */
  readonly of: (
    table: SilverTable,
    versions: TableVersions,
    query: (signal: AbortSignal | undefined) => Promise<T>,
    signal?: AbortSignal,
  ) => Promise<T>;
}

interface Answer<T> {
  /** Version of the table as text; undefined for the answer to a reader that takes any version. */
  readonly version: string | undefined;
  readonly askedAt: number;
  readonly value: T;
}

/** @param maxAgeMs maximum age of a result for a reader without a version; by default only a running query is shared */
export function createVersionMemo<T>({ maxAgeMs = 0 }: { maxAgeMs?: number } = {}): VersionMemo<T> {
  const answers = new Map<SilverTable, Answer<T>>();
  const flights = createFlights<Answer<T>>();

  /** @param version undefined for a reader that takes any version */
  const isValid = (last: Answer<T>, version: string | undefined): boolean =>
    version === undefined ? Date.now() - last.askedAt < maxAgeMs : version === last.version;

  return {
    async of(table, versions, query, signal) {
      const version = versionTexts(versions)[table];
      // two readers of an unknown version may need different results
      if (version === null) return query(signal);
      const last = answers.get(table);
      if (last !== undefined && isValid(last, version)) return last.value;
      const ask = async (flight: { readonly signal: AbortSignal }) => {
        const askedAt = Date.now();
        const answer = { version, askedAt, value: await query(flight.signal) };
        answers.set(table, answer);
        return answer;
      };
      return (await flights.share(`${table} ${version}`, ask, signal)).value;
    },
  };
}
