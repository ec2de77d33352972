// fails: api/ may import cache, clients, contract, domain, config.
export { runCommand } from '../../cli/run-command.ts';
