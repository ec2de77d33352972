import type { Redis } from 'ioredis';
import { profile } from '../../domain/entities/profile.ts';
import { simulateHotProfiles } from '../simulate-hot-profiles.ts';
import { zipfTrace } from '../zipf-trace.ts';
import { TODAYS_PROFILES, type Warming } from './start-warming.ts';

const POPULARITY = { skew: 1, driftPerHour: 0, followersCorrelation: 0.6 };
const READS = 20_000;

/** Hit rates of Zipf-distributed reads: in Redis with the default settings, and simulated with room for 1,000 profiles. */
export async function measureHitRates({ bench: { figure }, redis }: Warming): Promise<void> {
  const trace = zipfTrace(TODAYS_PROFILES, POPULARITY, 1);
  const ids = await cachedIds(redis);
  const reads = Array.from(trace.draw(READS), (kol) => ids[kol % ids.length] ?? '');
  figure({
    what: `Zipf 1.0 over all KOLs, default settings: hits in Redis after the warm`,
    value: `${((100 * (await countHits(redis, reads))) / reads.length).toFixed(1)} % (${ids.length} of ${TODAYS_PROFILES} profiles warm)`,
    against: 'wanted ≥ 99 %',
  });
  const [rates] = simulateHotProfiles(
    {
      ...POPULARITY,
      kols: TODAYS_PROFILES,
      readsPerSecond: 20,
      hours: 6,
      warmEverySeconds: 900,
      measuredFromHour: 1,
      seed: 1,
    },
    [1000],
  );
  if (rates === undefined) return;
  figure({
    what: 'Zipf 1.0, room for 1,000 (simulated with the selection rules of the warm): hit rate of the choice',
    value: `${(100 * rates.chosen.both).toFixed(1)} %`,
    against: `the best possible choice of 1,000: ${(100 * rates.best).toFixed(1)} %; wanted ≥ 0.95 of it`,
    ratio: rates.chosen.both / rates.best,
  });
}

async function cachedIds(redis: Redis): Promise<string[]> {
  const prefix = profile.key('');
  const ids = new Set<string>();
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 5000 }) as AsyncIterable<string[]>)
    for (const key of keys) ids.add(key.slice(prefix.length));
  return [...ids];
}

async function countHits(redis: Redis, ids: readonly string[]): Promise<number> {
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.exists(profile.key(id));
  return ((await pipeline.exec()) ?? []).reduce((sum, [, found]) => sum + Number(found), 0);
}
