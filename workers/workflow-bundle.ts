import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { execaNode } from 'execa';

const isCompiled = import.meta.url.endsWith('.js');
const extension = isCompiled ? 'js' : 'ts';
const fileBeside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Where `npm run build` puts the bundle: beside the compiled code. */
export const builtBundle = fileBeside('./workflows.bundle.js');

/** Bundles the workflow code. @returns the JavaScript of the bundle */
export async function bundleWorkflows(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileBeside(`../workflows/index.${extension}`),
    payloadConverterPath: fileBeside(`../workflows/payload-converter.${extension}`),
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/**
 * The bundle of `npm run build`, if there is one. A worker that runs from source bundles now, which takes a few seconds. It uses a child
 * process, because the worker would keep the 300 MB of the bundler.
 */
export async function loadWorkflowBundle(): Promise<WorkflowBundleOption> {
  if (isCompiled && existsSync(builtBundle)) return { codePath: builtBundle };
  const folder = await mkdtemp(join(tmpdir(), 'kol-cache-'));
  const file = join(folder, 'workflow-bundle.js');
  await execaNode(fileBeside(`./bundle-workflows.${extension}`), [file], { nodeOptions: process.execArgv });
  const code = await readFile(file, 'utf8');
  await rm(folder, { recursive: true });
  return { code };
}
