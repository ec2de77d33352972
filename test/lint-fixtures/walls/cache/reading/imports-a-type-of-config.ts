// fails: cache/ may import clients, contract, domain.
export type { Config } from '../../config/config.ts';
