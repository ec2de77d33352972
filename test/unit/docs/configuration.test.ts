import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderConfiguration } from '../../../docs/generate/configuration.ts';
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

test('docs/configuration.md names the limits of numbers and the words of choices', () => {
  const values = (name: string) =>
    renderConfiguration()
      .split('\n')
      .find((line) => line.startsWith(`| \`${name}\``))
      ?.split(' | ')[2];
  expect(values('SCORING_TRIGGER')).toBe('`available`, or 0.1 to 3600');
  expect(values('API_DEADLINE_SECONDS')).toBe('above 0 to 60');
  expect(values('API_DRAIN_SECONDS')).toBe('0 to 300');
  expect(values('WARM_TRINO_QUERIES')).toBe('2 or more, whole');
  expect(values('WARM_RANKING_LIMITS')).toBe('1 to 1000, whole');
  expect(values('SCORING_LATE_EVENTS')).toBe('`score`, `drop`');
  expect(values('REDIS_URL')).toBe('');
});
