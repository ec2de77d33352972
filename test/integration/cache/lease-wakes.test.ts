import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { followInvalidations } from '../../../cache/reading/invalidations.ts';
import { createLeases, leaseKey } from '../../../cache/reading/leases.ts';
import { createLocalTier } from '../../../cache/reading/local-tier.ts';
import { closeRedis } from '../../../clients/redis.ts';
import { profile } from '../../../domain/entities/profile.ts';
import type { RunningApi } from '../../support/api.ts';
import { startSeparateApi } from '../../support/api-process.ts';
import { startHeldTrino, type HeldTrino } from '../../support/held-trino.ts';
import { connectTo, describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { testEngines } from '../../support/test-engines.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

/** Longer than a test, so an earlier answer was not found by the timer. */
const NEVER_MS = 600_000;

let trino: HeldTrino;
let known: string;
beforeAll(async () => {
  const { TRINO_URL } = testEngines();
  trino = await startHeldTrino(TRINO_URL);
  [known = ''] = await queryColumn(TRINO_URL, 'SELECT min(kol_id) FROM iceberg.kol_silver.kol_profiles');
});
afterAll(() => trino.close());

describeOnRedisAndCluster('a process that waits for the query of another process', (target) => {
  /** The holder of the lease: a separate process, whose queries can be delayed. */
  let holder: RunningApi;
  beforeAll(async () => {
    holder = await startSeparateApi({ REDIS_URL: target.url, TRINO_URL: trino.url });
    await holder.get('/api/v1/kols/first'); // checks the columns
  });
  afterAll(() => holder.close());

  const cleanUps: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });

  /** Lets the holder miss an id, and waits for the value that it writes. */
  async function waitFor(id: string, { mode = 'default', watchMs = NEVER_MS }: Options) {
    const key = profile.key(id);
    const [redis, tracked] = [await connectTo(target.url, 'serve'), await connectTo(target.url, 'serve')];
    const tier = createLocalTier({ maxBytes: 1024 ** 2, ttlSeconds: 60, staleSeconds: 60 });
    const invalidations = followInvalidations(tracked, tier, { mode, onProblem: () => {} });
    cleanUps.push(async () => {
      invalidations.close();
      await Promise.all([closeRedis(redis), closeRedis(tracked)]);
    });
    await until('changes are tracked', () => Promise.resolve(tier.beginRead([]) !== undefined));

    trino.hold();
    const answer = holder.get(`/api/v1/kols/${encodeURIComponent(id)}`);
    await until('it has the lease', async () => (await target.redis.exists(leaseKey(key))) === 1);
    let looks = 0;
    const problems: unknown[] = [];
    const lease = createLeases({
      ...{ redis, localTier: tier, watchMs },
      onProblem: (_, problem) => problems.push(problem),
    });
    const waiting = lease(key, {
      async look() {
        looks += 1;
        const read = tier.beginRead([key]);
        const found = await (read?.redis ?? redis).hget(key, 'kol_id');
        read?.end();
        return found ?? undefined;
      },
      work: () => Promise.resolve('worked'),
      ...{ nothing: 'nothing', isNothing: () => false, signal: new AbortController().signal },
    });
    await until('it has looked', () => Promise.resolve(looks > 0));
    return { answer, waiting, problems };
  }
  interface Options {
    readonly mode?: 'default' | 'broadcast';
    readonly watchMs?: number;
  }

  test.each(['default', 'broadcast'] as const)(
    'is woken by the report of the value or of the lease, in the mode %s',
    async (mode) => {
      for (const [id, found, status] of [
        [known, known, 200],
        [`nobody-${mode}`, 'nothing', 404],
      ] as const) {
        const { answer, waiting, problems } = await waitFor(id, { mode });
        trino.release();
        expect([await waiting, (await answer).status, problems]).toEqual([found, status, []]);
        await target.redis.del(profile.key(id));
      }
    },
  );

  test('is woken by a timer when the report is lost', async () => {
    const { answer, waiting } = await waitFor(known, { watchMs: 250 });
    for (const { redis } of target.masters) await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    trino.release();
    expect([await waiting, (await answer).status]).toEqual([known, 200]);
  });
});
