import { expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { readRedisTime } from '../../../clients/redis.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { cacheStatus, startApi, useApi } from '../../support/api.ts';
import { idsOf } from '../../support/cache-values.ts';
import { untilCompressed } from '../../support/until-compressed.ts';

const L1 = { API_L1_MEGABYTES: '8', API_L1_TTL_SECONDS: '600' };
const { api, redis } = await useApi(L1);

const URL = '/api/v1/kols/top';
/** Longer than 1 KiB. */
async function cacheRanking(): Promise<void> {
  const ranked = idsOf(100).map((kol_id, index) => ({ kol_id, score: index }));
  await replaceSet(redis, ranking.toEntry('followers', 'all', 100, ranked), await readRedisTime(redis));
}

test.each([
  ['before Express', {}],
  ['by Express', { API_CORS_ORIGINS: 'https://app.example.com' }],
])('gzip and br of an answer that is sent %s are made after the request that keeps it', async (_, more) => {
  const other = await startApi({ ...L1, ...more });
  try {
    await cacheRanking();
    const read = () => other.get(URL, { 'accept-encoding': 'gzip, br' });
    let answer = await read();
    while (cacheStatus(answer)?.startsWith('kol-l1') !== true) answer = await read();
    expect(answer.headers.get('content-encoding')).toBeNull();
    await untilCompressed(other, URL);
  } finally {
    await other.close();
  }
});

test('an answer varies by Accept-Encoding, whichever tier it is from', async () => {
  await cacheRanking();
  const fromRedis = await api.get(URL);
  expect(cacheStatus(fromRedis)).toMatch(/^kol-redis; hit/);
  await untilCompressed(api, URL);
  const answers = [fromRedis, await api.get(URL), await api.get('/api/v1/kols?ids=nobody')];
  expect(answers.map(({ headers }) => headers.get('vary'))).toEqual(answers.map(() => 'Accept-Encoding'));
});
