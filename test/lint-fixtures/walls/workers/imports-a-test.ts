// fails: workers/ may import activities, cache, clients, contract, domain, config.
export { until } from '../test/support/until.ts';
