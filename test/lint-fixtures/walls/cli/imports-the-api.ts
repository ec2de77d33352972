// fails: cli/ may import cache, clients, contract, domain, config.
export { createApp } from '../api/app.ts';
