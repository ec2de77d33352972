import type { EtlLoadsInput } from './etl-loads-input.ts';
import type { EtlLoadsState } from './etl-loads.ts';
import type { PartWarmerInput } from './part-warmer.ts';
import type { ScoringLoopInput } from './scoring-loop.ts';
import type { WarmCacheInput, WarmReport } from './warm-cache.ts';

/** The workflow types by name, so that clients can start them without loading workflow code. */
export interface Workflows {
  warmCache(input?: WarmCacheInput): Promise<WarmReport>;
  partWarmer(input: PartWarmerInput): Promise<void>;
  etlLoads(input?: EtlLoadsInput): Promise<EtlLoadsState>;
  scoringLoop(input: ScoringLoopInput): Promise<void>;
}
