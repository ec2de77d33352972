import { autocomplete } from '../../domain/entities/autocomplete.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmPartArgs } from './part-warm.ts';
import { warmSets, type SetPart, type WarmSetDeps } from './warm-set.ts';

/** Terms of the KOLs with the most followers. The full set takes about 10 MB of Redis. */
const MAX_TERMS = 100_000;

/** Warms search:autocomplete. */
export function createWarmSearch(deps: WarmSetDeps) {
  const { lakehouse } = deps;
  const search: SetPart = {
    part: 'search',
    shape: String(MAX_TERMS),
    maxAgeMs: Infinity,
    async read(warm, { at }) {
      const terms: string[] = [];
      for await (const page of lakehouse.searchTerms(MAX_TERMS, warm.readingAt(at))) terms.push(...page);
      warm.counts.rowsRead += terms.length;
      return [{ entry: autocomplete.toEntry(terms), size: terms.length }];
    },
  };

  return function warmSearch(args: WarmPartArgs): Promise<PartReport> {
    return warmSets(deps, search, args);
  };
}
