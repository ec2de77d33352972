/** Everything that the workflow bundle contains. The names are the workflow types; contract/workflows.ts has their signatures. */
export { warmCache } from './warming/warm-cache.ts';
export { partWarmer } from './warming/part-warmer.ts';
export { etlLoads } from './warming/etl-loads.ts';
export { scoringLoop } from './scoring/scoring-loop.ts';
