/** All that the workflow bundle contains. The names are the workflow types that the Temporal UI starts. */
export { warmCache } from './warming/warm-cache.ts';
export { partWarmer } from './warming/part-warmer.ts';
export { etlLoads } from './warming/etl-loads.ts';
export { scoringLoop } from './scoring/scoring-loop.ts';
