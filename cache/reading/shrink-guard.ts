import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { findShrunken, tableSizeChanges } from '../../domain/warming/check-shrinkage.ts';
import { isUnchanged } from '../../domain/warming/is-unchanged.ts';
import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';
import { shareNext } from '../../domain/values/share-next.ts';
import { tablesOfPart, warmParts, type WarmPart } from '../../domain/warming/warm-parts.ts';
import { readPartMetadata } from '../writing/part-metadata.ts';
import type { ReportProblem } from './read-problem.ts';
import type { EntitySource } from './read-through.ts';

interface ShrinkGuardDependencies {
  readonly redis: RedisClient;
  readonly lakehouse: Pick<Lakehouse, 'tableVersions' | 'countRows'>;
  /** How much a table or set may lose since the last warm, 0 to 100. */
  readonly maxShrinkPercent: number;
  readonly reportProblem: ReportProblem;
}

/**
 * Whether a warm would accept what a miss has just read of a part. Never rejects; what cannot be checked is not accepted.
 * @param size members of the set as the warm counts them; of a key that no warm writes as a set it does not matter
 */
type IsAccepted = (part: WarmPart, key: string, size: number) => Promise<boolean>;

/**
 * Applies the shrink check of the warms to misses. It runs after the read: if the table then still has the version of the last warm, the
 * read saw that version. It counts the rows only of a table whose version has changed.
 */
function createIsAccepted({
  redis,
  lakehouse,
  maxShrinkPercent,
  reportProblem,
}: ShrinkGuardDependencies): IsAccepted {
  const versionsOf = Object.fromEntries(
    warmParts.map((part) => [part, shareNext(() => lakehouse.tableVersions(tablesOfPart[part]))]),
  ) as Record<WarmPart, () => Promise<TableVersions>>;

  async function check(part: WarmPart, key: string, size: number): Promise<boolean> {
    const last = await readPartMetadata(redis, part);
    if (last === null) return true;
    const before = last.sets[key]?.size ?? 0;
    if (findShrunken([{ what: key, before, now: size }], maxShrinkPercent).length > 0) return false;
    const tables = tablesOfPart[part];
    const versions = await versionsOf[part]();
    if (isUnchanged(last, { shape: last.shape, versions: versionTexts(versions) })) return true;
    const rows = tables.map(
      async (table) => [table, await lakehouse.countRows(table, { versions })] as const,
    );
    const changes = tableSizeChanges(last, Object.fromEntries(await Promise.all(rows)));
    return findShrunken(changes, maxShrinkPercent).length === 0;
  }

  return async (part, key, size) => {
    try {
      return await check(part, key, size);
    } catch (error) {
      reportProblem(key, 'shrink-check', error);
      return false;
    }
  };
}

/** Puts the check before the fills of sources. */
export function createShrinkGuards(dependencies: ShrinkGuardDependencies) {
  const isAccepted = createIsAccepted(dependencies);
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
        accepts: (key, value) => isAccepted(part, key, value === null ? 0 : sizeOf(value)),
      },
    }),
    /** Checks only that a row is missing: a row that exists is right, whatever its table has lost. */
    guardRow: <Id, T>(part: WarmPart, source: EntitySource<Id, T>): EntitySource<Id, T> => ({
      ...source,
      guard: { checks: 'absence', accepts: (key) => isAccepted(part, key, 0) },
    }),
  };
}

const membersOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
