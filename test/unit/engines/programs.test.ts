import { expect, it } from 'vitest';
import { logSaysWorkerReady } from '../../../engines/programs.ts';

it('recognizes a ready worker by its log', () => {
  expect(logSaysWorkerReady('{"level":30,"msg":"starting"}\n')).toBe(false);
  expect(logSaysWorkerReady('{"level":30,"msg":"starting"}\n{"level":30,"msg":"worker ready"}\n')).toBe(true);
});
