import { createLogger } from '../../../clients/logger.ts';
import type { AppDependencies } from '../../../api/app.ts';

const notCalled = () => Promise.reject(new Error('not called in this test'));

/** Dependencies of the API that answer nothing; a test replaces those that it needs. */
export function fakeDependencies(replaced: Partial<AppDependencies> = {}): AppDependencies {
  return {
    reader: {
      profile: notCalled,
      content: notCalled,
      score: notCalled,
      profiles: notCalled,
      contents: notCalled,
      scores: notCalled,
      ranking: notCalled,
      trending: notCalled,
      platformStats: notCalled,
      profileList: notCalled,
      kolContent: notCalled,
      dailyStats: notCalled,
      search: notCalled,
      waitSeconds: 5,
      outcomes: () => ({ 'local-hit': 0, hit: 0, stale: 0, miss: 0, negative: 0, bypass: 0, refresh: 0 }),
      cachedProfiles: notCalled,
    },
    readiness: notCalled,
    log: createLogger('api', 'silent'),
    rankingLimits: [100],
    listSize: 1000,
    recentSearches: { record: notCalled, read: notCalled },
    cacheAdmin: { status: notCalled, invalidate: notCalled, eraseKol: notCalled },
    switchboard: {
      current: () => ({ l1: true, l1TtlSeconds: 10, earlyRefresh: true, readThrough: true }),
      change: notCalled,
      close: () => {},
    },
    triggers: {
      signalEtlLoad: notCalled,
      readEtlLoads: notCalled,
      readEtlRun: notCalled,
      startWarm: notCalled,
      readWarm: notCalled,
    },
    trustProxy: 0,
    corsOrigins: [],
    rateLimit: undefined,
    token: undefined,
    deadlineSeconds: 30,
    ...replaced,
  };
}
