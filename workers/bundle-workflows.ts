import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/**
 * Bundles the workflows into the file named as argument. The last step of `npm run build` names none: beside the compiled
 * code, where workers/main looks first. Beside the source a bundle would go stale, so there it must be named.
 */
const compiled = import.meta.url.endsWith('.js');
const file =
  process.argv[2] ?? (compiled ? fileURLToPath(new URL('./workflow-bundle.js', import.meta.url)) : undefined);
if (file === undefined) throw new Error('bundle-workflows needs a file to write to, or `npm run build`');

const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL(`../workflows/index.${compiled ? 'js' : 'ts'}`, import.meta.url)),
  logger: new DefaultLogger('WARN'),
});
await writeFile(file, code);
console.log(`${file}: ${Math.round(code.length / 1024)} KiB`);
