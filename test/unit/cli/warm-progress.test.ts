import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { formatProgress, showProgress } from '../../../cli/warm-progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const readHalf = () => Promise.resolve({ rows: 18_743, total: 37_486 });

/** An output that collects written text. */
function output(isTTY: boolean) {
  const texts: string[] = [];
  return { texts, out: { isTTY, write: (text: string) => texts.push(text) > 0 } };
}

describe('a line of progress', () => {
  test('has the share and number of rows, and the time', () => {
    expect(formatProgress({ rows: 18_743, total: 37_486 }, 12.3)).toBe(
      'profiles 50 % (18,743 of 37,486 rows) 12 s',
    );
  });

  test('has only the time when the number of rows is unknown', () => {
    expect(formatProgress(null, 3)).toBe('Warming … 3 s');
    expect(formatProgress({ rows: 0, total: 0 }, 3)).toBe('Warming … 3 s');
  });
});

describe('on a terminal', () => {
  test('progress is one line with a bar, redrawn in place', async () => {
    const { texts, out } = output(true);
    const stop = showProgress(out, readHalf);
    expect(texts.join('')).toContain('Warming … 0 s');
    await vi.advanceTimersByTimeAsync(3000);
    expect(texts.join('')).toContain(
      '[###############...............] profiles 50 % (18,743 of 37,486 rows) 2 s',
    );
    stop();
    expect(texts.join('')).not.toContain('\n');
  });

  test('the line is cleared at the end, and nothing is written after it', async () => {
    const { texts, out } = output(true);
    const stop = showProgress(out, readHalf);
    await vi.advanceTimersByTimeAsync(1100);
    stop();
    const atEnd = texts.length;
    expect(texts.slice(-2).join('')).toBe('\u001b[1G\u001b[2K');
    stop();
    await vi.advanceTimersByTimeAsync(5000);
    expect(texts).toHaveLength(atEnd);
  });
});

test('elsewhere, such as in a log, progress is a plain line every 5 seconds', async () => {
  const { texts, out } = output(false);
  const stop = showProgress(out, readHalf);
  await vi.advanceTimersByTimeAsync(11_000);
  stop();
  await vi.advanceTimersByTimeAsync(11_000);
  expect(texts).toEqual([
    'profiles 50 % (18,743 of 37,486 rows) 5 s\n',
    'profiles 50 % (18,743 of 37,486 rows) 10 s\n',
  ]);
});

test.each([true, false])('a slow read is not started twice (on a terminal: %s)', async (isTTY) => {
  const read = vi.fn(() => new Promise<null>(() => {}));
  const stop = showProgress(output(isTTY).out, read);
  await vi.advanceTimersByTimeAsync(20_000);
  stop();
  expect(read).toHaveBeenCalledTimes(1);
});
