import { describe, expect, test } from 'vitest';
import type { WarmCacheOptions } from '../../../../contract/warm-cache.ts';
import { formatEtlLoadsDetails } from '../../../../workflows/warming/format-etl-loads-details.ts';
import { formatWarmDetails } from '../../../../workflows/warming/format-warm-details.ts';
import { reportOf } from '../../../support/part-report.ts';

const MARKDOWN = '![x](https://example.com/x.png) **b** `c` [d](https://example.com) | e\n# f';
const AS_CODE = "`![x](https://example.com/x.png) **b** 'c' [d](https://example.com) | e # f`";

const options: WarmCacheOptions = {
  parts: ['stats'],
  scopes: {},
  trigger: 'manual',
  requestedBy: MARKDOWN,
  dryRun: false,
  allProfiles: false,
  force: false,
  allowShrink: false,
};

describe('details in the Temporal UI show text from outside as code', () => {
  test('the requester and the errors of a warm', () => {
    const [first, ...rest] = formatWarmDetails(options, new Map([['stats', { error: MARKDOWN }]])).split(
      '\n',
    );
    expect(first).toBe(`Warm, trigger **manual**, requested by ${AS_CODE}`);
    expect(rest.at(-1)).toBe(`| stats | failed: ${AS_CODE.replace('|', '\\|')} | | | | | | | |`);
  });

  test('the notes, warnings and renamed columns of a warm', () => {
    const part = { ...reportOf('stats'), skipped: [MARKDOWN], rejected: 1, rejectedExamples: [MARKDOWN] };
    const sums = { ...part, trigger: 'manual', requestedBy: 'a', dryRun: false, parts: [part] } as const;
    const report = { ...sums, memory: null, renamed: [MARKDOWN], warnings: [MARKDOWN] };
    const details = formatWarmDetails({ ...options, requestedBy: 'a' }, new Map([['stats', part]]), report);
    const row = details.split('\n').find((line) => line.startsWith('| stats')) ?? '';
    expect(row.replaceAll('\\|', '').match(/\|/g)).toHaveLength(10);
    expect(details.match(/example\.com\/x\.png/g)).toHaveLength(4);
    expect(details.replaceAll(/`[^`]*`/g, '')).not.toContain('example.com');
  });

  test('the pipelines, errors and problems of ETL loads', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const details = formatEtlLoadsDetails({
      taken: 1,
      repeats: 0,
      ignored: 0,
      problems: [{ at, ignored: true, reason: MARKDOWN }],
      waiting: { loads: 0, parts: [] },
      lastWarm: {
        workflowId: 'warm',
        parts: ['stats'],
        requestedBy: MARKDOWN,
        loads: 1,
        startedAt: at,
        endedAt: at,
        keys: null,
        error: MARKDOWN,
      },
    });
    expect(details.split(AS_CODE)).toHaveLength(4);
    expect(details.replaceAll(AS_CODE, '')).not.toContain('example.com');
  });
});
