// fails: workers/ may import activities, cache, clients, contract, domain, config.
export { scoringLoop } from '../workflows/index.ts';
