import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generateDocs } from '../../../docs/generate/generated-docs.ts';

test('the generated documents equal what `npm run docs` writes', async () => {
  const generated = await generateDocs();
  expect(generated.map(({ path }) => path)).toEqual([
    'docs/configuration.md',
    'docs/contract.md',
    'docs/what-happens-to-a-read.md',
  ]);
  for (const { path, text } of generated) expect(readFileSync(path, 'utf8')).toBe(text);
});
