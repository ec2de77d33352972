// fails: api/ may import cache, clients, contract, domain, config.
export { scoringLoop } from '../workflows/index.ts';
