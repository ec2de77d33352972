// fails: clients/ may import contract, domain, and types of config.
export { writeEntries } from '../cache/writing/write-entries.ts';
