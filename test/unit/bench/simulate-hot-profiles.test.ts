import { beforeAll, describe, expect, test } from 'vitest';
import { simulateHotProfiles, type HitRates } from '../../../bench/simulate-hot-profiles.ts';
import type { DailyPattern } from '../../../bench/zipf-trace.ts';
import { profileRoom } from '../../../domain/warming/hot-profiles.ts';

const KOLS = 37_486;
const ROOM = 1_000;
/** The room of the default settings when profiles are twice as large as today. */
const DEFAULT_ROOM = profileRoom(
  { memoryPercent: 25 },
  { maxBytes: 512 * 1024 ** 2, bytesPerProfile: 2_000 },
);

/** The simulation of half a day takes one or two seconds on a free core. */
const TIMEOUT_MS = 120_000;

/** Zipf(1.0) over all KOLs with a warm every 15 minutes. */
function simulate(scenario: { hours: number; driftPerHour: number; measuredFromHour: number }, room: number) {
  const zipf = { kols: KOLS, skew: 1, followersCorrelation: 0.6, readsPerSecond: 20, seed: 7 };
  const [rates] = simulateHotProfiles({ ...zipf, warmEverySeconds: 900, ...scenario }, [room]);
  return rates as HitRates;
}

describe.each([
  { popularity: 'steady', driftPerHour: 0 },
  { popularity: 'drifting', driftPerHour: 0.05 },
])(
  'with $popularity popularity, room for 1,000 profiles and reads counted for an hour',
  ({ driftPerHour }) => {
    let rates: HitRates;
    beforeAll(() => {
      rates = simulate({ hours: 12, driftPerHour, measuredFromHour: 1 }, ROOM);
    }, TIMEOUT_MS);

    test('the choice has at least 95 % of the hits of the best possible choice', () => {
      expect(rates.chosen.both / rates.best).toBeGreaterThan(0.95);
    });

    test('the choice has more hits than the most followed alone', () => {
      expect(rates.chosen.both).toBeGreaterThan(1.1 * rates.chosen.followers);
    });

    test('fewer reads miss than with the most followed alone, and those are fewer than without a warm', () => {
      expect(rates.served.both).toBeGreaterThan(rates.served.followers);
      expect(rates.served.followers).toBeGreaterThan(rates.served.noWarm);
    });

    test('the best possible choice matches the Zipf distribution: H(1,000) / H(37,486) of all reads', () => {
      const harmonic = (n: number) =>
        Array.from({ length: n }, (_, k) => 1 / (k + 1)).reduce((a, b) => a + b);
      expect(rates.best).toBeCloseTo(harmonic(ROOM) / harmonic(KOLS), 2);
    });
  },
);

test('chooses the most followed while no reads are counted', () => {
  const scenario = { skew: 1, followersCorrelation: 0.6, driftPerHour: 0, readsPerSecond: 5, seed: 3 };
  const firstWarm = { kols: 5000, hours: 0.25, warmEverySeconds: 900, measuredFromHour: 0 };
  const [rates] = simulateHotProfiles({ ...scenario, ...firstWarm }, [500]) as [HitRates];
  expect(rates.chosen.both).toBe(rates.chosen.followers);
  expect(rates.chosen.both).toBeGreaterThan(0.3);
  expect(rates.chosen.reads).toBe(0);
});

test(
  'at least 99 % of reads are hits with the default settings, from the first warm on and for hours',
  () => {
    const rates = simulate({ hours: 6, driftPerHour: 0.05, measuredFromHour: 0 }, DEFAULT_ROOM);
    expect(rates.chosen.both).toBeGreaterThan(0.99);
    expect(rates.served.both).toBeGreaterThan(0.99);
  },
  TIMEOUT_MS,
);

describe('over some days, while popularity drifts', () => {
  const days = {
    kols: 1000,
    skew: 1,
    followersCorrelation: 0.6,
    driftPerHour: 0.005,
    readsPerSecond: 1,
    seed: 11,
  };
  const simulateDays = (daily?: DailyPattern) =>
    simulateHotProfiles(
      { ...days, warmEverySeconds: 900, hours: 72, measuredFromHour: 48, ...(daily && { daily }) },
      [50],
    )[0] as HitRates;

  test('the forecast has more hits than recent reads when KOLs are read at different hours', () => {
    const { chosen, served, best } = simulateDays({ groups: 6, quiet: 0.05 });
    expect(chosen.forecast - chosen.both).toBeGreaterThan(0.5 * (best - chosen.both));
    expect(served.forecast).toBeGreaterThanOrEqual(served.both);
  });

  test('the forecast loses less than one point when all hours are alike', () => {
    const { chosen, served } = simulateDays();
    expect(chosen.forecast).toBeGreaterThan(chosen.both - 0.01);
    expect(served.forecast).toBeGreaterThan(served.both - 0.01);
  });
});
