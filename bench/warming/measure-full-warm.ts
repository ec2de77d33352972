import { bareWarm } from './bare-warm.ts';
import { TODAYS_PROFILES, type Warming } from './start-warming.ts';

/** A full warm compared with its bare reads and writes, and a warm that finds nothing changed. */
export async function measureFullWarm({ bench: { figure }, warm, source, redis }: Warming): Promise<void> {
  await warm({ force: true }); // the first warm runs on cold engines
  const full = await warm({ force: true });
  const bare = await bareWarm({ ...source, redis });
  figure({
    what: `all ${TODAYS_PROFILES} profiles, rankings, trending, stats, lists, autocomplete: ${full.keys} keys`,
    value: `${full.durationMs} ms`,
    against: `bare reads ${Math.round(bare.readMs)} ms + the same writes by one pipelining client ${Math.round(bare.writeMs)} ms; wanted ≤ 2 × their sum`,
    ratio: full.durationMs / (bare.readMs + bare.writeMs),
  });
  const unchanged = await warm({});
  figure({
    what: `the same with nothing changed: ${unchanged.renewed} keys renewed`,
    value: `${unchanged.durationMs} ms`,
    against: 'the full warm of this run',
    ratio: unchanged.durationMs / full.durationMs,
  });
}
