import { afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { readEnvironment } from '../../../simulators/environment.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test.each(['', ' '])('a setting of a simulator that is %o has its default', (text) => {
  vi.stubEnv('PRODUCER_BAD_SHARE', text);
  const schema = z.object({ PRODUCER_BAD_SHARE: z.coerce.number().min(0).default(0.01) });
  expect(readEnvironment(schema)).toEqual({ PRODUCER_BAD_SHARE: 0.01 });
});
