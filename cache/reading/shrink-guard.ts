import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { filteredIds, type LastRead } from '../../domain/entities/known-ids.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import { findShrunken, tableSizeChanges } from '../../domain/warming/check-shrinkage.ts';
import { isUnchanged } from '../../domain/warming/is-unchanged.ts';
import {
  changedAtMs,
  CLOCKS_DIFFER_MS,
  versionTexts,
  type TableVersions,
} from '../../domain/warming/table-version.ts';
import { shareNext } from '../../domain/values/share-next.ts';
import { tablesOfPart, warmParts, type WarmPart } from '../../domain/warming/warm-parts.ts';
import { readLastRead } from '../writing/known-ids.ts';
import { readPartMetadata } from '../writing/part-metadata.ts';
import type { ReportProblem } from './read-problem.ts';
import type { EntitySource } from './read-through.ts';
import { withTimeLimit } from './time-limit.ts';

interface ShrinkGuardDependencies {
  readonly redis: RedisClient;
  readonly lakehouse: Pick<Lakehouse, 'tableVersions' | 'countRows'>;
  /** How much a table or set may lose since the last warm, 0 to 100. */
  readonly maxShrinkPercent: number;
  readonly reportProblem: ReportProblem;
  /** A query of the check that takes longer (s) fails: readers wait for it. */
  readonly waitSeconds: number;
}

/** What was read. */
interface ReadValue {
  readonly key: string;
  /** Members of the set as the warm counts them; of a key that no warm writes as a set it does not matter. */
  readonly size: number;
  /** When the read of a row began that is missing although it is cached, in ms since 1970. */
  readonly removalReadMs?: number | undefined;
}

/** Whether a warm would accept what a miss has just read of some tables. Never rejects; what cannot be checked is not accepted. */
type IsAccepted = (tables: CheckedTables, read: ReadValue) => Promise<boolean>;

/** The tables of a part now. */
interface TablesNow {
  readonly versions: TableVersions;
  /** The rows of each table in this version, counted once for all who call it. */
  readonly rows: () => Promise<TableRows>;
}

type TableRows = Readonly<Partial<Record<SilverTable, number>>>;

/** Tables, and what a warm has read of them last. */
interface CheckedTables {
  readonly now: () => Promise<TablesNow>;
  readonly last: () => Promise<(LastRead & Partial<Pick<PartMetadata, 'sets'>>) | null>;
}

/**
 * Applies the shrink check of the warms to misses. It runs after the read: if the table then still has the version of the last warm, the
 * read saw that version. It counts the rows only of a table whose version has changed. A read that began before the change may have
 * seen less than what is counted, so it removes nothing.
 */
function createIsAccepted({
  maxShrinkPercent,
  reportProblem,
}: Pick<ShrinkGuardDependencies, 'maxShrinkPercent' | 'reportProblem'>): IsAccepted {
  async function check(
    { now: readTables, last: readLast }: CheckedTables,
    { key, size, removalReadMs = Infinity }: ReadValue,
  ): Promise<boolean> {
    const last = await readLast();
    if (last === null) return true;
    const before = last.sets?.[key]?.size ?? 0;
    if (findShrunken([{ what: key, before, now: size }], maxShrinkPercent).length > 0) return false;
    const { versions, rows } = await readTables();
    const shape = '';
    if (isUnchanged({ ...last, shape }, { shape, versions: versionTexts(versions) })) return true;
    if (changedAtMs(versions) > removalReadMs - CLOCKS_DIFFER_MS) return false;
    return findShrunken(tableSizeChanges(last, await rows()), maxShrinkPercent).length === 0;
  }

  return async (tables, read) => {
    try {
      return await check(tables, read);
    } catch (error) {
      reportProblem(read.key, 'shrink-check', error);
      return false;
    }
  };
}

/** Puts the check before the fills of sources. */
export function createShrinkGuards({ redis, ...dependencies }: ShrinkGuardDependencies) {
  const { lakehouse, waitSeconds } = dependencies;
  const isAccepted = createIsAccepted(dependencies);
  /** Reads that come together share the queries, also where the version of a table is unknown. */
  const nowOf = (tables: readonly SilverTable[]) =>
    shareNext(async (): Promise<TablesNow> => {
      const versions = await withTimeLimit(waitSeconds, (signal) => lakehouse.tableVersions(tables, signal));
      let rows: Promise<TableRows> | undefined;
      return { versions, rows: () => (rows ??= countRows({ lakehouse, waitSeconds }, tables, versions)) };
    });
  const parts = Object.fromEntries(
    warmParts.map((part) => {
      const tables = tablesOfPart[part];
      const last = () => readPartMetadata(redis, part);
      return [part, { now: nowOf(tables), last }];
    }),
  ) as Record<WarmPart, CheckedTables>;
  const { features } = filteredIds;
  const featureTable: CheckedTables = {
    now: nowOf([features.table]),
    last: () => readLastRead(redis, features),
  };
  /** Checks only that a row is missing: a row that exists is right, whatever its table has lost. */
  const guardAbsence = <Id, T>(tables: CheckedTables, source: EntitySource<Id, T>): EntitySource<Id, T> => ({
    ...source,
    guard: {
      checks: 'absence',
      accepts: (key, _, removalReadMs) => isAccepted(tables, { key, size: 0, removalReadMs }),
    },
  });
  return {
    /** Of a set, every value is checked. @param sizeOf its members, as the warm counts them */
    guardSet: <Id, T>(
      part: WarmPart,
      source: EntitySource<Id, T>,
      sizeOf: (value: T) => number = membersOf,
    ): EntitySource<Id, T> => ({
      ...source,
      guard: {
        checks: 'values',
        accepts: (key, value, removalReadMs) =>
          isAccepted(parts[part], { key, size: value === null ? 0 : sizeOf(value), removalReadMs }),
      },
    }),
    guardRow: <Id, T>(part: WarmPart, source: EntitySource<Id, T>) => guardAbsence(parts[part], source),
    /** Of a score: no part is made of its table, but a filter of its ids. */
    guardScore: <Id, T>(source: EntitySource<Id, T>) => guardAbsence(featureTable, source),
  };
}

const countRows = (
  { lakehouse, waitSeconds }: Pick<ShrinkGuardDependencies, 'lakehouse' | 'waitSeconds'>,
  tables: readonly SilverTable[],
  versions: TableVersions,
): Promise<TableRows> =>
  withTimeLimit(waitSeconds, async (signal) => {
    const counts = tables.map(
      async (table) => [table, await lakehouse.countRows(table, { versions, signal })] as const,
    );
    return Object.fromEntries(await Promise.all(counts));
  });

const membersOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
