import { afterEach, expect, test, vi } from 'vitest';
import { printWarmReport } from '../../../cli/format-warm-report.ts';
import type { PartReport } from '../../../domain/warming/part-report.ts';
import type { WarmReport } from '../../../contract/warm-cache.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('text from Trino or from a key name cannot reach the terminal as a control sequence', () => {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const nasty = 'a\u001B[2J\u009B31m\u202Eb';
  const part: PartReport = {
    part: 'lists',
    ...{ rowsRead: 1, keys: 1, bytes: 1, renewed: 0, removed: 0, cached: 1, durationMs: 1 },
    ...{ rejected: 1, rejectedExamples: [nasty], unreadableColumns: 0, skipped: [nasty], warnings: [] },
  };
  const report: WarmReport = {
    trigger: 'manual',
    ...{ requestedBy: 'test', dryRun: false, keys: 1, bytes: 1, renewed: 0, removed: 0 },
    ...{ durationMs: 1, parts: [part], renamed: [nasty], memory: null, warnings: [nasty] },
  };
  printWarmReport(report);
  const printed = lines.join('\n');
  expect(printed).not.toMatch(/[\u001B\u009B\u202E]/);
  expect(printed.match(/a\\u\{1b\}\[2J\\u\{9b\}31m\\u\{202e\}b/g)).toHaveLength(4);
});
