import { writeFile } from 'node:fs/promises';
import { builtBundle, bundleWorkflows } from './workflow-bundle.ts';

/** Writes the workflow bundle to the file named as argument, or for `npm run build` to its place beside the compiled code. */
const file = process.argv[2] ?? builtBundle;
const code = await bundleWorkflows();
await writeFile(file, code);
console.log(`${file}: ${Math.round(code.length / 1024)} KiB`);
