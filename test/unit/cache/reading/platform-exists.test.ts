import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPlatformMayExist } from '../../../../cache/reading/platform-exists.ts';
import type { ReadResult } from '../../../../cache/reading/read-result.ts';
import type { PlatformStats } from '../../../../domain/entities/platform-stats.ts';

const WAIT_SECONDS = 2;
const LOAD_SECONDS = 8;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Source = 'answers' | 'fails' | 'hangs' | 'refuses';

/** Platforms that a source of statistics names. It can fail, or hang until a load ends. */
function start(platforms: readonly string[]) {
  let source: Source = 'answers';
  let named = platforms;
  let reads = 0;
  const mayExist = createPlatformMayExist(async () => {
    reads += 1;
    if (source === 'hangs') await new Promise((resolve) => setTimeout(resolve, LOAD_SECONDS * 1000));
    if (source === 'hangs' || source === 'fails') throw new Error('no answer');
    const by_platform = Object.fromEntries(named.map((name) => [name, {}]));
    const value = { by_platform } as unknown as PlatformStats;
    return { value, ...(source === 'refuses' && { refused: true }) } as ReadResult<PlatformStats>;
  }, WAIT_SECONDS);
  return {
    mayExist,
    change: (next: Source, names = named) => void ([source, named] = [next, names]),
    reads: () => reads,
    /** The answer, and the milliseconds that it took. */
    timed: async (platform: string) => {
      const startedAt = performance.now();
      const answer = mayExist(platform).then((exists) => [exists, performance.now() - startedAt]);
      await vi.advanceTimersByTimeAsync(LOAD_SECONDS * 1000);
      return answer;
    },
  };
}
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

test('a platform exists if the statistics name it; they are read every 30 s', async () => {
  const { mayExist, change, reads } = start(['tiktok']);
  expect([await mayExist('all'), reads()]).toEqual([true, 0]);
  expect([await mayExist('tiktok'), await mayExist('nowhere'), reads()]).toEqual([true, false, 1]);
  change('answers', ['tiktok', 'new']);
  await pass(29);
  expect([await mayExist('new'), reads()]).toEqual([false, 1]);
  await pass(1);
  expect([await mayExist('new'), reads()]).toEqual([true, 2]);
});

test('while the statistics hang, a request waits for them once and a short time, and each platform may exist', async () => {
  const { timed, change } = start([]);
  change('hangs');
  expect(await timed('tiktok')).toEqual([true, WAIT_SECONDS * 1000]);
  expect(await timed('tiktok')).toEqual([true, 0]);
});

test('requests share the wait for the statistics', async () => {
  const { timed, mayExist, change, reads } = start([]);
  change('hangs');
  const first = mayExist('tiktok');
  await pass(1.5);
  expect(await timed('tiktok')).toEqual([true, 500]);
  expect([await first, reads()]).toEqual([true, 1]);
});

test.each<Source>(['hangs', 'fails', 'refuses'])(
  'when the source %s, the names that were read before hold, and a platform that they have does not wait',
  async (source) => {
    const { timed, mayExist, change } = start(['tiktok']);
    await mayExist('tiktok');
    change(source, []);
    await pass(30);
    expect(await timed('tiktok')).toEqual([true, 0]);
    expect((await timed('nowhere'))[0]).toBe(false);
  },
);

test('statistics that failed are read again after 5 s', async () => {
  const { mayExist, change, reads } = start(['tiktok']);
  change('fails');
  expect([await mayExist('nowhere'), reads()]).toEqual([true, 1]);
  change('answers');
  await pass(4);
  expect([await mayExist('nowhere'), reads()]).toEqual([true, 1]);
  await pass(1);
  expect([await mayExist('nowhere'), reads()]).toEqual([false, 2]);
});
