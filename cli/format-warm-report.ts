import { formatMemory } from '../domain/warming/redis-memory.ts';
import { formatPartNotes } from '../domain/warming/part-report.ts';
import type { WarmReport } from '../contract/warm-cache.ts';
import { printTable } from './table.ts';

const kib = (bytes: number) => Math.round(bytes / 1024);

/** Prints the report of a warm as a table with a summary. */
export function printWarmReport(report: WarmReport): void {
  printTable(
    ['part', 'rows read', 'written', 'KiB', 'renewed', 'removed', 'cached', 'ms', 'notes'],
    report.parts.map((part) => [
      part.part,
      part.rowsRead,
      part.keys,
      kib(part.bytes),
      part.renewed,
      part.removed,
      part.cached ?? 0,
      part.durationMs,
      formatPartNotes(part).join('; '),
    ]),
  );
  const { dryRun, keys, bytes, renewed, removed, durationMs, renamed, memory, warnings } = report;
  const written = `${dryRun ? 'Would write' : 'Wrote'} ${keys} keys, ${kib(bytes)} KiB`;
  console.log(`${written}; renewed ${renewed}, removed ${removed}; ${durationMs} ms`);
  if (memory !== null) console.log(formatMemory(memory));
  for (const column of renamed) console.log(`Column ${column}`);
  for (const warning of warnings) console.log(`Warning: ${warning}`);
}
