import { expect, it } from 'vitest';
import { apiProgram, logSaysWorkerReady } from '../../../engines/programs.ts';

it('recognizes a ready worker by its log', () => {
  expect(logSaysWorkerReady('{"level":30,"msg":"starting"}\n')).toBe(false);
  expect(logSaysWorkerReady('{"level":30,"msg":"starting"}\n{"level":30,"msg":"worker ready"}\n')).toBe(true);
});

it('lets only this machine reach the local API, unless the settings say otherwise', () => {
  expect(apiProgram({}, 'http://127.0.0.1').env?.['API_HOST']).toBe('127.0.0.1');
  expect(apiProgram({ API_HOST: '::' }, 'http://127.0.0.1').env?.['API_HOST']).toBe('::');
});

it.each([
  [{}, 20],
  [{ API_DEADLINE_SECONDS: '60' }, 68],
  [{ API_DEADLINE_SECONDS: '12', API_DRAIN_SECONDS: '30' }, 50],
])('leaves the API the time to stop that its settings %o need', (env, seconds) => {
  expect(apiProgram(env, 'http://127.0.0.1').stopSeconds).toBe(seconds);
});
