import { ApplicationFailure } from '@temporalio/activity';
import { readPartMetadata } from '../../cache/writing/part-metadata.ts';
import { refreshTtls } from '../../cache/writing/refresh-ttl.ts';
import { replaceSet } from '../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { isUnchanged, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import { ALL } from '../../domain/values/platform.ts';
import { formatShrinkage, findShrunken, type SizeChange } from '../../domain/warming/check-shrinkage.ts';
import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import { tablesOfPart, type PartReport, type WarmPart } from '../../domain/warming/warm-parts.ts';
import { IMPLAUSIBLY_SHRUNK, PartWarm, runPartWarm, sizeOf, type WarmPartArgs } from './part-warm.ts';

/** One set of a part, as it was read. */
export interface SetToWrite {
  readonly entry: CacheEntry;
  /** Of which platform it is; undefined where it knows none. */
  readonly platform?: string;
  /** Members, as shrinkage counts them; 0 where the number says nothing, since the clock alone changes it. */
  readonly size: number;
}

export interface WarmSetDeps {
  readonly redis: RedisClient;
  readonly lakehouse: Lakehouse;
  readonly maxShrinkPercent: number;
}

/** A part made of few sets that fit in memory and are replaced whole. */
export interface SetPartDefinition {
  readonly part: WarmPart;
  /** What decides the sets besides the tables, such as limits. */
  readonly shape: string;
  /** How long sets of unchanged tables may be renewed (ms): the clock alone changes some. */
  readonly renewableMs: number;
  readonly read: (warm: PartWarm, now: Date) => Promise<SetToWrite[]>;
  /** Work on single keys that go with the sets, after those are in place. @returns keys to be renewed along with them */
  readonly after?: (warm: PartWarm, sets: readonly SetToWrite[], now: Date) => Promise<readonly CacheEntry[]>;
}

/**
 * Warms such a part: where nothing changed since the last warm its keys are renewed; else the sets are read and judged as a
 * whole before the first is replaced, so that a broken read changes nothing.
 */
export const warmSets = (deps: WarmSetDeps, definition: SetPartDefinition, args: WarmPartArgs): Promise<PartReport> => {
  const { redis, lakehouse, maxShrinkPercent } = deps;
  const { part, shape } = definition;
  const warm = new PartWarm(redis, part, args);
  return runPartWarm(warm, async () => {
    const now = new Date();
    const last = await readPartMetadata(redis, part);
    const snapshots = await queryTables(part, (table) => lakehouse.snapshot(table, warm.reading));
    if (!args.force && args.scope === undefined && last !== null && isUnchanged(last, { shape, snapshots }))
      if (await renewed(definition, warm, last, now)) return;
    const tableRows = await queryTables(part, (table) => lakehouse.countRows(table, warm.reading));
    if (!args.allowShrink) refuseShrunken(tableSizeChanges(last, tableRows), maxShrinkPercent);

    const read = await definition.read(warm, now);
    warm.refuseEmpty();
    const sets = read.filter(({ platform }) => inScope(args, platform));
    const gone = args.scope === undefined ? setsGone(last, read) : [];
    // Sets of other limits are of other sizes.
    if (!args.allowShrink && last?.shape === shape)
      refuseShrunken(setSizes(last, sets, gone), maxShrinkPercent);
    for (const { entry } of sets) warm.add(args.dryRun ? sizeOf([entry]) : await replaceSet(redis, entry));
    const beside = (await definition.after?.(warm, sets, now)) ?? [];
    if (args.dryRun) return;
    for (const key of gone) warm.counts.removed += await redis.unlink(key);
    // A restart or a failover may have taken the first sets while the last were written: then all are written again.
    const written = [...sets.map(({ entry }) => entry), ...beside];
    if (!(await refreshTtls(redis, written)))
      throw new Error(`Redis has lost keys of ${part} that were written a moment ago`);
    if (args.scope !== undefined) return; // the other platforms are as old as they were
    const { keys, rowsRead: rows } = warm.counts;
    const noted = Object.fromEntries([
      ...sets.map(({ entry, size }) => [entry.key, { size, ttlSeconds: entry.ttlSeconds }]),
      ...beside.map(({ key, ttlSeconds }) => [key, { size: 0, ttlSeconds, beside: true }]),
    ]) as PartMetadata['sets'];
    await warm.note(
      { keys, read_at: now.toISOString(), rows, tableRows, snapshots, shape, sets: noted },
      now,
    );
  });
};

/** What each table that a part is made of answers. */
export async function queryTables<T>(
  part: WarmPart,
  ask: (table: SilverTable) => Promise<T>,
): Promise<Record<string, T>> {
  const found = tablesOfPart[part].map(async (table) => [table, await ask(table)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** The tables of a part at the last warm and now. */
export const tableSizeChanges = (
  last: PartMetadata | null,
  tableRows: Readonly<Record<string, number>>,
): SizeChange[] =>
  Object.entries(tableRows).map(([what, now]) => ({ what, before: last?.tableRows[what] ?? 0, now }));

/** Renews the part's keys. @returns false where some are gone or the last read is too old, so that it must be read anew */
async function renewed(
  { renewableMs }: SetPartDefinition,
  warm: PartWarm,
  last: PartMetadata,
  now: Date,
): Promise<boolean> {
  if (now.getTime() - Date.parse(last.read_at) > renewableMs) return false;
  const keys = Object.entries(last.sets).map(([key, { ttlSeconds }]) => ({ key, ttlSeconds }));
  if (warm.args.dryRun) {
    warm.skipped.push(`unchanged since ${last.read_at}: would renew ${keys.length} keys`);
    return true;
  }
  if (!(await refreshTtls(warm.redis, keys))) return false;
  warm.counts.renewed = keys.length;
  warm.skipped.push(
    `unchanged since ${last.read_at}: ${last.rows} rows not read, ${keys.length} keys renewed`,
  );
  await warm.note(last, now);
  return true;
}

const inScope = ({ scope }: WarmPartArgs, platform: string | undefined): boolean =>
  scope?.platforms === undefined ||
  platform === undefined ||
  platform === ALL ||
  scope.platforms.includes(platform);

/** Sets of the last warm that the lakehouse gives no rows for any more. */
function setsGone(last: PartMetadata | null, read: readonly SetToWrite[]): string[] {
  const keys = new Set(read.map(({ entry }) => entry.key));
  return Object.entries(last?.sets ?? {}).flatMap(([key, { beside }]) =>
    beside || keys.has(key) ? [] : [key],
  );
}

function setSizes(last: PartMetadata, sets: readonly SetToWrite[], gone: readonly string[]): SizeChange[] {
  const before = (key: string) => last.sets[key]?.size ?? 0;
  return [
    ...sets
      .filter(({ size }) => size > 0)
      .map(({ entry: { key }, size }) => ({ what: key, before: before(key), now: size })),
    ...gone.map((key) => ({ what: key, before: before(key), now: 0 })),
  ];
}

/** @throws ImplausiblyShrunk naming the sets, before any of them was touched */
export function refuseShrunken(sizes: readonly SizeChange[], maxPercent: number): void {
  const shrunk = findShrunken(sizes, maxPercent);
  if (shrunk.length > 0)
    throw ApplicationFailure.nonRetryable(formatShrinkage(shrunk, maxPercent), IMPLAUSIBLY_SHRUNK);
}
