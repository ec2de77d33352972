import { expect, it } from 'vitest';
import { formatSeconds } from '../../../engines/report.ts';

it('formats seconds with one decimal below ten, and as whole seconds above', () => {
  expect([40, 9940, 9960, 72_300].map(formatSeconds)).toEqual(['0.0 s', '9.9 s', '10 s', '72 s']);
});
