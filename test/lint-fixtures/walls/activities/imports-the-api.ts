// fails: activities/ may import cache, clients, contract, domain.
export { createApp } from '../api/app.ts';
