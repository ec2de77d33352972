// fails: bench/ may import engines, simulators, clients, contract, domain.
export { scoringLoop } from '../workflows/index.ts';
