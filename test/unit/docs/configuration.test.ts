import { readFileSync } from 'node:fs';
import * as prettier from 'prettier';
import { expect, test } from 'vitest';
import { describeConfiguration } from '../../../config/describe.ts';

test('docs/configuration.md is what the schema says; npm run docs makes it so', async () => {
  const made = await prettier.format(describeConfiguration(), { parser: 'markdown' });
  expect(readFileSync('docs/configuration.md', 'utf8')).toBe(made);
});
