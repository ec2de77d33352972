import { expect } from 'vitest';

/** How many values were written: at least this many at `toMs`, and at most this many at `fromMs`, on the clock of `performance.now`. */
interface Sample {
  readonly fromMs: number;
  readonly toMs: number;
  readonly written: number;
}

/** Samples of a counter that grows at a limited rate. @param count the values that are written now */
export function rateSamples(count: () => Promise<number>) {
  const samples: Sample[] = [];
  return {
    /** Takes a sample. @returns its count */
    async take(): Promise<number> {
      const fromMs = performance.now();
      const written = await count();
      samples.push({ fromMs, toMs: performance.now(), written });
      return written;
    },
    /** The limit for any period: the rate, plus a chunk of a second that began before, plus a second that the limiter catches up. */
    expectAtMost(perSecond: number): void {
      for (const [index, { fromMs, written }] of samples.entries())
        for (const later of samples.slice(index + 1))
          expect(later.written - written).toBeLessThanOrEqual(perSecond * (2 + (later.toMs - fromMs) / 1000));
    },
  };
}
