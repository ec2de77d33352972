/** All that the workflow bundle contains. The names are the workflow types that the Temporal UI starts. */
export { warmCache } from './warm-cache.ts';
export { partWarmer } from './part-warmer.ts';
export { etlLoads } from './etl-loads.ts';
export { scoringLoop } from './scoring-loop.ts';
