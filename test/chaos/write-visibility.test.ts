import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { median, percentile } from '../../bench/figures.ts';
import { replaceSet } from '../../cache/writing/replace-set.ts';
import { writeEntries } from '../../cache/writing/write-entries.ts';
import { readRedisTime } from '../../clients/redis.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import { ranking } from '../../domain/entities/ranking.ts';
import { score } from '../../domain/entities/score.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import { startApiProcess, type ApiProcess } from '../support/api-process.ts';
import { idsOf, profileEntries, profileOf, scoreAt } from '../support/cache-values.ts';
import { describeOnRedisAndCluster } from '../support/redis-targets.ts';
import { until } from '../support/until.ts';

const WRITES = 200;
const ERASURES = 20;
const SWITCHES = 20;
/** The longest time until a write shows in a process, and the median. */
const WRITE_MS = 100;
const WRITE_MEDIAN_MS = 5;
/** The longest time until an erasure or a switch is in force in a process. */
const EVERYWHERE_MS = 1000;

const TOKEN = 'token-of-the-two-processes';
const authorization = `Bearer ${TOKEN}`;
/** Nothing listens here. */
const NOWHERE = '127.0.0.1:1';

async function read(url: string) {
  const answer = await fetch(url, { headers: { authorization } });
  return {
    isFound: answer.status === 200,
    isLocal: answer.headers.get('cache-status')?.startsWith('kol-l1; hit') === true,
    text: await answer.text(),
  };
}

const makeLocal = (url: string) => until(`${url} is local`, async () => (await read(url)).isLocal);

/** Reads again and again until the condition is true. @returns milliseconds since `startedAt` */
async function msUntil(startedAt: number, condition: string, isTrue: () => Promise<boolean>) {
  while (!(await isTrue()))
    if (performance.now() - startedAt > 50_000) throw new Error(`not true within 50 s: ${condition}`);
  return performance.now() - startedAt;
}

function report(what: string, delays: readonly number[]) {
  const figures = { median: median(delays), p99: percentile(delays, 99), worst: Math.max(...delays) };
  const texts = Object.entries(figures).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
  console.log(
    `${expect.getState().currentTestName}: ${what} after ${texts.join(', ')} (${delays.length} times)`,
  );
  return figures;
}

describeOnRedisAndCluster('two processes of the API', (target) => {
  let processes: ApiProcess[];
  let urls: string[];
  beforeAll(async () => {
    processes = [1, 2].map(() =>
      startApiProcess({
        REDIS_URL: target.url,
        KAFKA_BROKERS: NOWHERE,
        TRINO_URL: `http://${NOWHERE}`,
        TEMPORAL_ADDRESS: NOWHERE,
        ML_API_URL: `http://${NOWHERE}`,
        API_PORT: '0',
        API_TOKEN: TOKEN,
        API_L1_TTL_SECONDS: '600',
      }),
    );
    const ports = await Promise.all(processes.map((each) => each.waitForOutput(/"port":(\d+)/)));
    urls = ports.map(([, port]) => `http://127.0.0.1:${port}/api/v1`);
  });
  afterAll(() => processes.forEach(({ child }) => child.kill('SIGKILL')));

  const everywhere = (path: string) => urls.map((url) => url + path);

  test(`show a write within ${WRITE_MS} ms when both have the old value in memory`, async () => {
    const delays: number[] = [];
    const profiles = everywhere('/kols/known');
    for (let followers = 1; followers <= WRITES; followers += 1) {
      await writeEntries(target.redis, profileEntries(['known'], followers));
      const writtenAt = performance.now();
      const shows = async (url: string) => (await read(url)).text.includes(`"followers_count":${followers},`);
      delays.push(
        ...(await Promise.all(profiles.map((url) => msUntil(writtenAt, 'it shows', () => shows(url))))),
      );
      await Promise.all(profiles.map(makeLocal));
      await sleep(5);
    }
    const figures = report('a write shows', delays);
    expect(delays).toHaveLength(2 * WRITES);
    expect(figures.median).toBeLessThanOrEqual(WRITE_MEDIAN_MS);
    expect(figures.worst).toBeLessThanOrEqual(WRITE_MS);
  });

  test(`have forgotten an erased KOL within ${EVERYWHERE_MS} ms: its profile, its score and the lists that had it`, async () => {
    const ids = idsOf(ERASURES, 'erased-');
    const listed = [...ids, 'kept'];
    const readAt = await readRedisTime(target.redis);
    await writeEntries(target.redis, [
      ...profileEntries(ids),
      ...ids.map((id) => score.toEntry(scoreAt(id, null))),
    ]);
    for (const set of [
      ranking.toEntry(
        'followers',
        ALL,
        100,
        listed.map((kol_id) => ({ kol_id, score: 7 })),
      ),
      profileList.toEntry(
        'tiktok',
        listed.map((id) => profileOf(id)),
      ),
    ])
      await replaceSet(target.redis, set, readAt);

    const delays: number[] = [];
    for (const id of ids) {
      const paths = [`/kols/${id}`, `/kols/${id}/score`, '/kols/top', '/kols?platform=tiktok'];
      const all = paths.flatMap(everywhere);
      const names = async (url: string) => {
        const { isFound, text } = await read(url);
        return isFound && text.includes(`"${id}"`);
      };
      await Promise.all(all.map(makeLocal));
      for (const url of all) expect([url, await names(url)]).toEqual([url, true]);
      const erasedAt = performance.now();
      const erased = await fetch(`${urls[0]}/kols/${id}`, { method: 'DELETE', headers: { authorization } });
      expect(erased.status).toBe(200);
      const isGone = (url: string) => async () => !(await names(url));
      delays.push(...(await Promise.all(all.map((url) => msUntil(erasedAt, 'it is gone', isGone(url))))));
    }
    expect(report('an erasure is in force', delays).worst).toBeLessThanOrEqual(EVERYWHERE_MS);
  });

  test(`follow a switch within ${EVERYWHERE_MS} ms`, async () => {
    await writeEntries(target.redis, profileEntries(['known']));
    const delays: number[] = [];
    for (let change = 0; change < SWITCHES; change += 1) {
      const isOn = change % 2 === 1;
      const body = JSON.stringify({ l1: isOn });
      const headers = { authorization, 'content-type': 'application/json' };
      if (!isOn) await Promise.all(everywhere('/kols/known').map(makeLocal));
      const changedAt = performance.now();
      await fetch(`${urls[0]}/cache/switches`, { method: 'PATCH', headers, body });
      const isInForce = (url: string) => async () =>
        (await read(`${url}/cache/switches`)).text.includes(`"l1":${isOn},`) &&
        // the first read after L1 was off is one of Redis
        (isOn || !(await read(`${url}/kols/known`)).isLocal);
      delays.push(
        ...(await Promise.all(urls.map((url) => msUntil(changedAt, 'it is in force', isInForce(url))))),
      );
      await sleep(change * 25); // at another time of the period in which the processes read the switches
    }
    expect(report('a switch is in force', delays).worst).toBeLessThanOrEqual(EVERYWHERE_MS);
  });
});
