import { parseArgs } from 'node:util';
import { profileRoom, READ_HALF_LIFE_SECONDS } from '../domain/warming/hot-profiles.ts';
import { simulateHotProfiles, type HitRates, type Scenario } from './simulate-hot-profiles.ts';

/** `npm run bench:hot-profiles`: what hit rate each choice of hot profiles gives, by simulation. Needs no engines; the same each time. */
const { values: options } = parseArgs({ options: { seed: { type: 'string', default: '1' } } });

const KOLS = 37_486;
const scenario: Scenario = {
  kols: KOLS,
  skew: 1,
  driftPerHour: 0,
  followersCorrelation: 0.6,
  readsPerSecond: 20,
  hours: 12,
  warmEverySeconds: 900,
  measuredFromHour: 1,
  seed: Number(options.seed),
};
const DRIFT = 0.05;
const ROOMS = [1_000, 5_000, KOLS];

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const besideBest = (share: number, { best }: HitRates) => `${percent(share)} (${(share / best).toFixed(3)})`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) => {
  console.log(`\n| ${head.join(' | ')} |\n|${' --- |'.repeat(head.length)}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
};
const count = (number: number) => number.toLocaleString('en');
const driftOf = ({ driftPerHour }: Scenario) =>
  driftPerHour === 0 ? 'steady' : `${percent(driftPerHour)} an hour`;

const played = [0.7, 1, 1.2]
  .flatMap((skew) => [0, DRIFT].map((driftPerHour) => ({ ...scenario, skew, driftPerHour })))
  .map((one) => ({ one, rates: simulateHotProfiles(one, ROOMS) }));
const rowsOf = (cells: (rates: HitRates) => readonly string[]) =>
  played.flatMap(({ one, rates }) =>
    rates.map((rate, index) => [`${one.skew}`, driftOf(one), count(ROOMS[index] ?? 0), ...cells(rate)]),
  );

console.log(
  `${count(KOLS)} KOLs, ${scenario.readsPerSecond} reads a second for ${scenario.hours} h, of which the last ${scenario.hours - scenario.measuredFromHour} are measured; a warm every 15 min; followers correlate with reads by ${scenario.followersCorrelation}; half-life ${READ_HALF_LIFE_SECONDS / 3600} h; seed ${options.seed}.`,
);
console.log('\nReads of what the warm chose, beside the best possible choice:');
table(
  ['Zipf', 'drift', 'room', 'best possible', 'followers alone', 'counted reads', 'both', 'in hindsight'],
  rowsOf((rates) => [
    percent(rates.best),
    besideBest(rates.chosen.followers, rates),
    besideBest(rates.chosen.reads, rates),
    besideBest(rates.chosen.both, rates),
    percent(rates.hindsight),
  ]),
);
console.log('\nReads served from Redis, with what misses have filled and what was refreshed:');
table(
  ['Zipf', 'drift', 'room', 'no warm', 'followers alone', 'counted reads', 'both'],
  rowsOf(({ served }) => [served.noWarm, served.followers, served.reads, served.both].map(percent)),
);

const ratios = (one: Scenario, rooms: readonly number[]) =>
  simulateHotProfiles(one, rooms).map(({ chosen, best }) => (chosen.both / best).toFixed(3));
const halfLives = [1, 3, 6, 24];
console.log('\nBoth beside the best possible, room for 1,000, Zipf 1, by half-life:');
table(
  ['reads/s', 'drift', ...halfLives.map((hours) => `${hours} h`)],
  [1, 5, 20].flatMap((readsPerSecond) =>
    [0, DRIFT].map((driftPerHour) => [
      readsPerSecond,
      driftOf({ ...scenario, driftPerHour }),
      ...halfLives.flatMap((hours) =>
        ratios({ ...scenario, readsPerSecond, driftPerHour, halfLifeSeconds: hours * 3600 }, [1_000]),
      ),
    ]),
  ),
);

const limits = [0, 1, 2];
const fewerRooms = [1_000, 5_000];
console.log('\nBoth beside the best possible, Zipf 1, steady, by the limit below which reads do not count:');
table(
  [
    'reads/s',
    'followers',
    ...limits.flatMap((limit) => fewerRooms.map((one) => `${limit} reads, room for ${count(one)}`)),
  ],
  [0.2, 1, 5].flatMap((readsPerSecond) =>
    [0.6, 0.9].map((followersCorrelation) => [
      readsPerSecond,
      followersCorrelation,
      ...limits.flatMap((leastReads) =>
        ratios({ ...scenario, readsPerSecond, followersCorrelation, leastReads }, fewerRooms),
      ),
    ]),
  ),
);

const room = profileRoom({ memoryPercent: 25 }, { maxBytes: 512 * 1024 ** 2, bytesPerProfile: 1_000 });
const [all] = simulateHotProfiles({ ...scenario, measuredFromHour: 0 }, [Math.min(room, KOLS)]);
console.log(
  `\nDefault settings (25 % of 512 MB, room for ${count(room)}): ${percent(all?.served.both ?? 0)} served from Redis from the first warm on.`,
);
