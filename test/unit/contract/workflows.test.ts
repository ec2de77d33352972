import { expect, test } from 'vitest';
import { failureTypes } from '../../../contract/failure-types.ts';
import type { Workflows } from '../../../contract/workflows.ts';
import * as workflows from '../../../workflows/index.ts';

/** Clients start workflows by name. tsc checks that each workflow has the signature that the contract gives to its name. */
const implemented: Workflows = workflows;
const names: Readonly<Record<keyof Workflows, true>> = {
  warmCache: true,
  partWarmer: true,
  etlLoads: true,
  scoringLoop: true,
};

test('the bundle exports exactly the workflows of the contract', () => {
  expect(Object.keys(implemented).sort()).toEqual(Object.keys(names).sort());
  for (const [name, workflow] of Object.entries(workflows)) expect(workflow.name).toBe(name);
});

test('each failure type has its own name', () => {
  const types = Object.values(failureTypes);
  expect(new Set(types).size).toBe(types.length);
});
