import { expect, test } from 'vitest';
import { withWorkflowLink } from '../../../cli/workflow-link.ts';

test('a message ends with the address of the workflow in the Temporal UI', () => {
  const config = { TEMPORAL_UI_URL: 'http://localhost:8080', TEMPORAL_NAMESPACE: 'default' };
  expect(withWorkflowLink('Warming stats', config, 'part-warmer/stats')).toBe(
    'Warming stats: http://localhost:8080/namespaces/default/workflows/part-warmer%2Fstats',
  );
});

test('a message has no address without TEMPORAL_UI_URL', () => {
  const config = { TEMPORAL_UI_URL: undefined, TEMPORAL_NAMESPACE: 'default' };
  expect(withWorkflowLink('Warming stats', config, 'etl-loads')).toBe('Warming stats');
});
