import { formatMemory } from '../domain/warming/redis-memory.ts';
import { formatPartNotes } from '../domain/warming/warm-parts.ts';
import type { WarmReport } from '../workflows/warming/warm-cache.ts';
import { printTable } from './table.ts';

const kib = (bytes: number) => Math.round(bytes / 1024);

/** Prints the report of a warm for people. */
export function printWarmReport(report: WarmReport): void {
  printTable(
    ['part', 'rows read', 'keys', 'KiB', 'renewed', 'removed', 'ms', 'notes'],
    report.parts.map((part) => [
      part.part,
      part.rowsRead,
      part.keys,
      kib(part.bytes),
      part.renewed,
      part.removed,
      part.durationMs,
      formatPartNotes(part).join('; '),
    ]),
  );
  const { dryRun, keys, bytes, renewed, removed, durationMs, renamed, memory, warnings } = report;
  const wrote = `${dryRun ? 'Would write' : 'Wrote'} ${keys} keys, ${kib(bytes)} KiB`;
  console.log(`${wrote}; renewed ${renewed}, removed ${removed}; ${durationMs} ms`);
  if (memory !== null) console.log(formatMemory(memory));
  for (const column of renamed) console.log(`Column ${column}`);
  for (const warning of warnings) console.log(`Warning: ${warning}`);
}
