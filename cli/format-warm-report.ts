import { formatMemory } from '../domain/warming/redis-memory.ts';
import { formatPartNotes } from '../domain/warming/part-report.ts';
import type { WarmReport } from '../contract/warm-cache.ts';
import { printable } from './printable.ts';
import { printTable } from './table.ts';

/** Maximum characters of the notes of a part, which quote Trino and key names. */
const MAX_NOTES = 2000;

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
      part.cached,
      part.durationMs,
      printable(formatPartNotes(part).join('; '), MAX_NOTES),
    ]),
  );
  const { dryRun, keys, bytes, renewed, removed, durationMs, renamed, memory, warnings } = report;
  const written = `${dryRun ? 'Would write' : 'Wrote'} ${keys} keys, ${kib(bytes)} KiB`;
  console.log(`${written}; renewed ${renewed}, removed ${removed}; ${durationMs} ms`);
  if (memory !== null) console.log(formatMemory(memory));
  for (const column of renamed) console.log(`Column ${printable(column, MAX_NOTES)}`);
  for (const warning of warnings) console.log(`Warning: ${printable(warning, MAX_NOTES)}`);
}
