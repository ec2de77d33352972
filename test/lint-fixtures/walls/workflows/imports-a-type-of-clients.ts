// fails: workflows/ may import contract, domain, and types of activities.
export type { Redis } from '../clients/redis.ts';
