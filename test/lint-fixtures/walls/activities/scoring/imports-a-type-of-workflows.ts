// fails: activities/ may import cache, clients, contract, domain.
export type { scoringLoop } from '../../workflows/index.ts';
