// fails: cli/ may import cache, clients, contract, domain, config.
export { fillLakehouse } from '../simulators/lakehouse/fill.ts';
