// fails: contract/ may import domain.
export type { Config } from '../config/config.ts';
