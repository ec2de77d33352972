import { expect, test } from 'vitest';
import { bundleWorkflows } from '../../../workers/workflow-bundle.ts';

/** The SDK and its dependencies, and the library that checks inputs. */
const ALLOWED_PACKAGES = ['@temporalio/workflow', '@temporalio/common', 'nexus-rpc', 'long', 'ms', 'zod'];
/**
 * Each workflow thread of a worker loads the bundle, and each worker that runs from source builds it at its start. Measured:
 * 1,126 KiB, of which the SDK has 507, zod 451 and our code 165. The limit leaves room for our code to grow; another library
 * exceeds it soon.
 */
const MAX_KIB = 1280;

// Bundling takes about 4 seconds and 300 MB.
test('the workflow bundle has only workflow code, the SDK and zod', { timeout: 120_000 }, async () => {
  const code = (await bundleWorkflows()).replace(/\/\/# sourceMappingURL=.*/, '');
  const modules = [...code.matchAll(/^\/\*{3}\/ "([^"]+)"/gm)].map(([, name]) => name ?? '');

  const packages = modules.flatMap((name) => /^\.\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? []);
  expect([...new Set(packages)].filter((name) => !ALLOWED_PACKAGES.includes(name))).toEqual([]);

  // Built-in modules of Node would appear under their own names. `?<hash>` are the optional converters of the SDK, which we do
  // not set.
  const others = modules.filter((name) => !/^\.\/node_modules\/|^\?/.test(name));
  const folders = new Set(others.map((name) => /^\.\/([^/]+)\//.exec(name)?.[1] ?? name));
  expect([...folders].sort()).toEqual(['contract', 'domain', 'workflows']);

  expect(code.length / 1024).toBeLessThan(MAX_KIB);
});
