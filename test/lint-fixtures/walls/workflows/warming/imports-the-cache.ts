// fails: workflows/ may import contract, domain, and types of activities.
export { writeEntries } from '../../cache/writing/write-entries.ts';
