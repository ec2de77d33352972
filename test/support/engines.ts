import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import type { Addresses } from '../../engines/addresses.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { testStackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { startStack } from '../../engines/start-stack.ts';
import { bundleWorkflows } from '../../workers/workflow-bundle.ts';
import { timeSkippingServerPath } from '../../engines/definitions/time-skipping-server.ts';

/** Addresses and files for tests on the real engines, by `inject('engines')`. */
export interface TestEngines extends Addresses {
  /** Executable of the time-skipping test server. */
  readonly TIME_SKIPPING_SERVER: string;
  /** Workflow code, bundled once for all workers of the run. */
  readonly WORKFLOW_BUNDLE: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    engines: TestEngines;
  }
}

/** Starts the engines of the tests: on free ports and without data. The lakehouse is filled with the same rows each time. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const report = (line: string) => console.log(`[engines] ${line}`);
  const [stack, timeSkippingServer, workflowBundle] = await Promise.all([
    startStack({
      folder: testStackFolder,
      ports: await freePorts(),
      empty: true,
      continueAsNewAt: 400,
      report,
    }),
    timeSkippingServerPath(report),
    writeWorkflowBundle(),
  ]);
  try {
    const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA } = stack.addresses;
    await fillLakehouse({ trinoUrl: TRINO_URL, catalog: TRINO_CATALOG, schema: TRINO_SCHEMA, report });
  } catch (error) {
    await stack.stop();
    throw error;
  }
  project.provide('engines', {
    ...stack.addresses,
    TIME_SKIPPING_SERVER: timeSkippingServer,
    WORKFLOW_BUNDLE: workflowBundle,
  });
  return () => stack.stop();
}

async function writeWorkflowBundle(): Promise<string> {
  const code = await bundleWorkflows();
  await mkdir(testStackFolder, { recursive: true });
  const path = join(testStackFolder, 'workflow-bundle.js');
  await writeFile(path, code);
  return path;
}
