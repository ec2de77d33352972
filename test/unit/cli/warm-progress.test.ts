import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { progressLine, showProgress } from '../../../cli/warm-progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const half = () => Promise.resolve({ rows: 18_743, total: 37_486 });

function written(isTTY: boolean) {
  const texts: string[] = [];
  return { texts, out: { isTTY, write: (text: string) => texts.push(text) > 0 } };
}

test('the bar says how many rows of how many', () => {
  expect(progressLine({ rows: 18_743, total: 37_486 }, 12.3)).toBe(
    'profiles [###############...............] 50 % (18,743 of 37,486 rows) 12 s',
  );
  expect(progressLine({ rows: 3, total: 3 }, 0)).toContain('[##############################] 100 %');
});

test('where rows are not known, the time is all', () => {
  expect(progressLine(null, 3)).toBe('Warming … 3 s');
  expect(progressLine({ rows: 0, total: 0 }, 3)).toBe('Warming … 3 s');
});

test('a terminal has one line, drawn again and cleared at the end', async () => {
  const { texts, out } = written(true);
  const end = showProgress(out, half);
  await vi.advanceTimersByTimeAsync(1100);
  end();
  expect(texts).toHaveLength(3);
  for (const text of texts) expect(text).toMatch(/^\r\u001b\[K[^\n]*$/);
  expect(texts[1]).toContain('50 %');
  expect(texts[2]).toBe('\r\u001b[K');
});

test('a log gets a plain line now and then', async () => {
  const { texts, out } = written(false);
  const end = showProgress(out, half);
  await vi.advanceTimersByTimeAsync(11_000);
  end();
  expect(texts).toHaveLength(2);
  for (const text of texts) expect(text).toMatch(/^profiles \[.*\n$/);
});

test('a look that takes long is not started twice', async () => {
  let looks = 0;
  const { out } = written(true);
  const end = showProgress(out, () => {
    looks += 1;
    return new Promise(() => {});
  });
  await vi.advanceTimersByTimeAsync(5000);
  end();
  expect(looks).toBe(1);
});
