// fails: workers/ may import activities, cache, clients, contract, domain, config.
export { startStack } from '../engines/start-stack.ts';
