// fails: domain/ may import no package.
export { readFile } from 'node:fs/promises';
