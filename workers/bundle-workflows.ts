import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/**
 * Last step of `npm run build`: bundles the compiled workflows into dist/workers/workflow-bundle.js, which workers/main
 * takes when it is there. Run from source it would leave a bundle that goes stale beside the source, so it refuses.
 */
if (import.meta.url.endsWith('.ts')) {
  throw new Error('bundle-workflows bundles what tsc compiled: run `npm run build`');
}

const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('../workflows/index.js', import.meta.url)),
  logger: new DefaultLogger('WARN'),
});
const file = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
await writeFile(file, code);
console.log(`${file}: ${Math.round(code.length / 1024)} KiB`);
