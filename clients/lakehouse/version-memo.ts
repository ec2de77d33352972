import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';

/** One answer for each table, for its last version that was asked about. */
export interface VersionMemo<T> {
  /**
   * Readers of the same version share one query. A failure is not remembered.
   * @param versions versions to read; a table without one is read as it is
   */
  readonly of: (table: SilverTable, versions: TableVersions, query: () => Promise<T>) => Promise<T>;
}

interface Answer<T> {
  /** Version of the table as text; null when it is unknown. */
  readonly version: string | null;
  readonly askedAt: number;
  readonly value: Promise<T>;
}

/** @param maxAgeMs how old an answer may be for a reader without a version; by default such a reader always queries */
export function createVersionMemo<T>({ maxAgeMs = 0 }: { maxAgeMs?: number } = {}): VersionMemo<T> {
  const answers = new Map<SilverTable, Answer<T>>();

  /** @param version undefined for a reader that takes any version, null for a version that is unknown */
  const isValid = (last: Answer<T>, version: string | null | undefined): boolean =>
    version === undefined
      ? Date.now() - last.askedAt < maxAgeMs
      : version !== null && version === last.version;

  return {
    of(table, versions, query) {
      const version = versionTexts(versions)[table];
      const last = answers.get(table);
      if (last !== undefined && isValid(last, version)) return last.value;
      const answer = { version: version ?? null, askedAt: Date.now(), value: query() };
      answers.set(table, answer);
      answer.value.catch(() => {
        if (answers.get(table) === answer) answers.delete(table);
      });
      return answer.value;
    },
  };
}
