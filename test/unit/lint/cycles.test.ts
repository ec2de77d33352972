import { cruise } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { expect, it } from 'vitest';

// The configuration excludes the fixtures, so that `npm run check` passes.
const { exclude: _, ...options } = await extractDepcruiseOptions('./.dependency-cruiser.js');

/** The import cycles of a folder of fixtures, each as the paths of its files. */
async function findCycles(folder: string): Promise<string[][]> {
  const { output } = await cruise([`test/lint-fixtures/cycles/${folder}`], options);
  if (typeof output === 'string') throw new Error(output);
  return output.summary.violations.map(({ cycle }) => (cycle ?? []).map(({ name }) => name));
}

it('reports an import cycle, also when one of its imports is a type import', async () => {
  expect(await findCycles('cycle')).toEqual([
    ['test/lint-fixtures/cycles/cycle/b.ts', 'test/lint-fixtures/cycles/cycle/a.ts'],
  ]);
});

it('accepts imports in one direction', async () => {
  expect(await findCycles('allowed')).toEqual([]);
});
