import type { EtlLoadsInput, EtlLoadsState } from './etl-loads.ts';
import type { ScoringLoopInput } from './scoring-loop.ts';
import type { PartWarmerInput, WarmCacheInput, WarmReport } from './warm-cache.ts';

/** The workflow types by name, so that clients can start them without loading workflow code. */
export interface Workflows {
  warmCache(input?: WarmCacheInput): Promise<WarmReport>;
  partWarmer(input: PartWarmerInput): Promise<void>;
  etlLoads(input?: EtlLoadsInput): Promise<EtlLoadsState>;
  scoringLoop(input: ScoringLoopInput): Promise<void>;
}
