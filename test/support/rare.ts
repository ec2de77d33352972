import { inject, test } from 'vitest';

// Rare cases take minutes together. `npm run test:chaos` runs them; `npm test` runs the usual cases of the same files.

export const rareTest = test.runIf(inject('runsRareCases'));
