import { parseArgs } from 'node:util';
import { profileRoom, READ_HALF_LIFE_SECONDS } from '../domain/warming/hot-profiles.ts';
import { simulateHotProfiles, type HitRates, type Scenario } from './simulate-hot-profiles.ts';

/**
 * `npm run bench:hot-profiles`: the hit rates of different ways to choose hot profiles, by simulation.
 * Needs no engines and gives the same result for the same seed.
 */
const { values: options } = parseArgs({ options: { seed: { type: 'string', default: '1' } } });

const KOLS = 37_486;
const DRIFT = 0.05;
const ROOMS = [1_000, 5_000, KOLS];
const BASE_SCENARIO: Scenario = {
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

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const relativeToBest = (share: number, { best }: HitRates) =>
  `${percent(share)} (${(share / best).toFixed(3)})`;
const count = (number: number) => number.toLocaleString('en');
const describeDrift = ({ driftPerHour }: Scenario) =>
  driftPerHour === 0 ? 'steady' : `${percent(driftPerHour)} an hour`;
const printTable = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) => {
  console.log(`\n| ${head.join(' | ')} |\n|${' --- |'.repeat(head.length)}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
};
/** The choice `both` as a part of the best possible choice, for each room. */
const ratiosToBest = (scenario: Scenario, rooms: readonly number[]) =>
  simulateHotProfiles(scenario, rooms).map(({ chosen, best }) => (chosen.both / best).toFixed(3));

printScenario();
printChoices();
printHalfLives();
printReadLimits();
printDefaultSettings();
printForecast();

function printScenario(): void {
  const { readsPerSecond, hours, measuredFromHour, followersCorrelation } = BASE_SCENARIO;
  console.log(
    `${count(KOLS)} KOLs, ${readsPerSecond} reads a second for ${hours} h, of which the last ${hours - measuredFromHour} are measured; a warm every 15 min; followers correlate with reads by ${followersCorrelation}; half-life ${READ_HALF_LIFE_SECONDS / 3600} h; seed ${options.seed}.`,
  );
}

function printChoices(): void {
  const results = [0.7, 1, 1.2]
    .flatMap((skew) => [0, DRIFT].map((driftPerHour) => ({ ...BASE_SCENARIO, skew, driftPerHour })))
    .map((scenario) => ({ scenario, rates: simulateHotProfiles(scenario, ROOMS) }));
  const toRows = (cells: (rates: HitRates) => readonly string[]) =>
    results.flatMap(({ scenario, rates }) =>
      rates.map((rate, index) => [
        `${scenario.skew}`,
        describeDrift(scenario),
        count(ROOMS[index] ?? 0),
        ...cells(rate),
      ]),
    );

  console.log('\nReads of profiles that the warm chose, in brackets relative to the best possible choice:');
  printTable(
    ['Zipf', 'drift', 'room', 'best possible', 'followers alone', 'counted reads', 'both', 'in hindsight'],
    toRows((rates) => [
      percent(rates.best),
      relativeToBest(rates.chosen.followers, rates),
      relativeToBest(rates.chosen.reads, rates),
      relativeToBest(rates.chosen.both, rates),
      percent(rates.hindsight),
    ]),
  );
  console.log(
    '\nReads served from Redis, including profiles that misses have filled or that were refreshed:',
  );
  printTable(
    ['Zipf', 'drift', 'room', 'no warm', 'followers alone', 'counted reads', 'both'],
    toRows(({ served }) => [served.noWarm, served.followers, served.reads, served.both].map(percent)),
  );
}

function printHalfLives(): void {
  const halfLives = [1, 3, 6, 24];
  console.log('\nBoth relative to the best possible, room for 1,000, Zipf 1, by half-life:');
  printTable(
    ['reads/s', 'drift', ...halfLives.map((hours) => `${hours} h`)],
    [1, 5, 20].flatMap((readsPerSecond) =>
      [0, DRIFT].map((driftPerHour) => {
        const scenario = { ...BASE_SCENARIO, readsPerSecond, driftPerHour };
        return [
          readsPerSecond,
          describeDrift(scenario),
          ...halfLives.flatMap((hours) =>
            ratiosToBest({ ...scenario, halfLifeSeconds: hours * 3600 }, [1_000]),
          ),
        ];
      }),
    ),
  );
}

function printReadLimits(): void {
  const limits = [0, 1, 2];
  const rooms = [1_000, 5_000];
  console.log(
    '\nBoth relative to the best possible, Zipf 1, steady, by the limit below which reads do not count:',
  );
  printTable(
    [
      'reads/s',
      'followers',
      ...limits.flatMap((limit) => rooms.map((room) => `${limit} reads, room for ${count(room)}`)),
    ],
    [0.2, 1, 5].flatMap((readsPerSecond) =>
      [0.6, 0.9].map((followersCorrelation) => [
        readsPerSecond,
        followersCorrelation,
        ...limits.flatMap((minReads) =>
          ratiosToBest({ ...BASE_SCENARIO, readsPerSecond, followersCorrelation, minReads }, rooms),
        ),
      ]),
    ),
  );
}

function printDefaultSettings(): void {
  const room = profileRoom({ memoryPercent: 25 }, { maxBytes: 512 * 1024 ** 2, bytesPerProfile: 1_000 });
  const [rates] = simulateHotProfiles({ ...BASE_SCENARIO, measuredFromHour: 0 }, [Math.min(room, KOLS)]);
  console.log(
    `\nDefault settings (25 % of 512 MB, room for ${count(room)}): ${percent(rates?.served.both ?? 0)} served from Redis from the first warm on.`,
  );
}

function printForecast(): void {
  const rooms = [100, 500];
  const patterns = [
    { name: 'strong', daily: { groups: 6, quiet: 0.05 } },
    { name: 'mild', daily: { groups: 6, quiet: 0.3 } },
    { name: 'none', daily: undefined },
  ];
  const days = { ...BASE_SCENARIO, kols: 2_000, readsPerSecond: 3, hours: 96, measuredFromHour: 48 };
  const rows = patterns.flatMap(({ name, daily }) =>
    [0, DRIFT / 10, DRIFT].flatMap((driftPerHour) => {
      const scenario = { ...days, driftPerHour, ...(daily && { daily }) };
      return simulateHotProfiles(scenario, rooms).map((rates, index) => [
        name,
        describeDrift(scenario),
        count(rooms[index] ?? 0),
        percent(rates.best),
        relativeToBest(rates.chosen.both, rates),
        relativeToBest(rates.chosen.forecast, rates),
        percent(rates.served.both),
        percent(rates.served.forecast),
      ]);
    }),
  );
  console.log(
    `\n${count(days.kols)} KOLs, ${days.readsPerSecond} reads a second, the last ${days.hours - days.measuredFromHour} of ${days.hours} h; 6 groups of KOLs, each active for 4 h of the day:`,
  );
  printTable(
    [
      'pattern',
      'drift',
      'room',
      'best possible',
      'recent reads',
      'forecast',
      'served: recent',
      'served: forecast',
    ],
    rows,
  );
}
