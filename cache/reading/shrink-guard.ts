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
import { withTimeLimit } from '../../domain/values/abortable.ts';

interface ShrinkGuardDependencies {
  readonly redis: RedisClient;
  readonly lakehouse: Pick<Lakehouse, 'tableVersions' | 'countRows'>;
  /** How much a table or set may shrink since the last warm, 0 to 100. */
  readonly maxShrinkPercent: number;
  readonly reportProblem: ReportProblem;
  /** Timeout of each query of the check (s), because readers wait for it. */
  readonly waitSeconds: number;
}

/** A value that was read from the source. */
interface ReadValue {
  readonly key: string;
  /** Number of members, counted as in the warm; irrelevant for keys that no warm writes as a set. */
  readonly size: number;
  /** For a missing row that is cached: the start of the read, in ms since 1970. */
  readonly removalReadMs?: number | undefined;
}

/** Whether a warm would accept this value. Never rejects; a value that cannot be checked is not accepted. */
type IsAccepted = (tables: CheckedTables, read: ReadValue) => Promise<boolean>;

/** The tables of a part now. */
interface TablesNow {
  readonly versions: TableVersions;
  /** The rows of each table in this version; counted once for all callers. */
  readonly rows: () => Promise<TableRows>;
}

type TableRows = Readonly<Partial<Record<SilverTable, number>>>;

/** Tables, and the record of the last warm that read them. */
interface CheckedTables {
  readonly now: () => Promise<TablesNow>;
  readonly last: () => Promise<(LastRead & Partial<Pick<PartMetadata, 'sets'>>) | null>;
}

/**
 * Applies the shrink check of the warms to misses. It runs after the read: if the table then still has the version of the last warm, the
 * read saw that version. It counts the rows only of a table whose version has changed. A read that began before the change may have seen
 * fewer rows than the count, so it removes nothing.
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

/** Adds the check to the fills of sources. */
export function createShrinkGuards({ redis, ...dependencies }: ShrinkGuardDependencies) {
  const { lakehouse, waitSeconds } = dependencies;
  const isAccepted = createIsAccepted(dependencies);
  /** Concurrent reads share the queries, also if the version of a table is unknown. */
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
  /** Checks only missing rows: a row that exists is valid even if its table has shrunk. */
  const guardAbsence = <Id, T>(tables: CheckedTables, source: EntitySource<Id, T>): EntitySource<Id, T> => ({
    ...source,
    guard: {
      checks: 'absence',
      accepts: (key, _, removalReadMs) => isAccepted(tables, { key, size: 0, removalReadMs }),
    },
  });
  return {
    /** Checks every value of a set. @param sizeOf counts its members as the warm does */
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
    /** Checks missing scores, with the record of the known-ids filter, because no part is made of the table. */
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
