import { beforeEach, describe, expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { content } from '../../../domain/entities/content.ts';
import { kolContent } from '../../../domain/entities/kol-content.ts';
import { profileList } from '../../../domain/entities/profile-list.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { score } from '../../../domain/entities/score.ts';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { trending } from '../../../domain/entities/trending.ts';
import { buildSearchIndex } from '../../../domain/search/build-index.ts';
import { ALL } from '../../../domain/values/text-ids.ts';
import { cacheStatus, useApi, type Answer } from '../../support/api.ts';
import { contentOf, NOW, profileEntries, profileOf, scoreAt } from '../../support/cache-values.ts';
import { until } from '../../support/until.ts';

const { api, redis } = await useApi({ API_L1_MEGABYTES: '8', API_L1_TTL_SECONDS: '60' });
beforeEach(async () => {
  await writeEntries(redis, [
    ...profileEntries(['zoe']),
    score.toEntry(scoreAt('zoe', 1)),
    content.toEntry('video', contentOf('video', 5), NOW.toISOString()),
    kolContent.toEntry('zoe', [contentOf('video', 5)]),
    profileList.toEntry('tiktok', [profileOf('zoe')]),
    ranking.toEntry('followers', 'tiktok', 100, [
      { kol_id: 'zoe', score: 7 },
      { kol_id: 'max', score: 6 },
    ]),
    trending.toEntry('tiktok', ['video']),
    searchIndex.toEntry(ALL, ['tiktok']),
  ]);
  const named = [{ kol_id: 'zoe', names: ['Zoë'], followers_count: 7 }];
  await replaceSet(redis, searchIndex.toEntry('tiktok', buildSearchIndex(named, 100)), 1);
});

const items = ({ json }: Answer) => json['items'] as Record<string, unknown>[];

/** Each list, with some fields of its items. */
const lists: readonly [path: string, fields: readonly string[]][] = [
  ['/api/v1/kols?platform=tiktok', ['kol_id', 'followers_count']],
  ['/api/v1/kols?ids=zoe', ['kol_id', 'followers_count']],
  ['/api/v1/kols/zoe/content?limit=1', ['content_id', 'views']],
  ['/api/v1/kols/top?platform=tiktok', ['rank', 'kol_id']],
  ['/api/v1/content?ids=video', ['content_id', 'views']],
  ['/api/v1/content/trending?platform=tiktok', ['content_id']],
  ['/api/v1/scores?ids=zoe', ['trust_score', 'cold']],
  ['/api/v1/search?q=zoe', ['kol_id', 'name']],
  ['/api/v1/search/suggest?prefix=zo', ['name']],
];

describe('fields', () => {
  test.each(lists)('of %s are the requested ones, and all without the parameter', async (path, fields) => {
    for (const query of [`fields=${fields.join(',')}`, fields.map((field) => `fields=${field}`).join('&')]) {
      const found = items(await api.get(`${path}&${query}`));
      expect(found.length).toBeGreaterThan(0);
      for (const item of found) expect(Object.keys(item)).toEqual(fields);
    }
    for (const item of items(await api.get(path)))
      expect(Object.keys(item).length).toBeGreaterThan(fields.length);
  });

  test.each(lists)('of %s that do not exist are refused, with the accepted names', async (path, fields) => {
    const { status, json } = await api.get(`${path}&fields=${fields.join(',')},email`);
    expect(status).toBe(400);
    const [invalid] = json['invalid'] as [Record<string, string>];
    expect(invalid).toMatchObject({ parameter: 'fields', given: `${fields.join(',')},email` });
    expect(invalid['accepted']).toMatch(/^names separated by commas, of /);
    expect(invalid['accepted']?.slice('names separated by commas, of '.length).split(', ')).toEqual(
      expect.arrayContaining([...fields]),
    );
  });

  test.each([
    ['/api/v1/kols/top?platform=tiktok', 'kol_id', 'profile', 'followers_count', [7, null]],
    ['/api/v1/search?q=zoe', 'kol_id', 'profile', 'followers_count', [7]],
    ['/api/v1/content/trending?platform=tiktok', 'content_id', 'content', 'views', [5]],
  ])('of %s can be some of what it expands', async (path, id, part, field, values) => {
    const some = items(await api.get(`${path}&expand=${part}&fields=${id},${part}.${field}`));
    expect(some.map((item) => Object.keys(item))).toEqual(values.map(() => [id, part]));
    expect(some.map((item) => item[part])).toEqual(
      values.map((value) => (value === null ? null : { [field]: value })),
    );
    const whole = items(await api.get(`${path}&expand=${part}&fields=${part}`));
    expect(Object.keys(whole[0]?.[part] as object)).toContain('platform');

    const { status, json } = await api.get(`${path}&fields=${id},${part}.${field}`);
    expect([status, json['invalid']]).toEqual([
      400,
      [
        {
          parameter: 'fields',
          given: `${part}.${field}`,
          accepted: `fields of ${part} only beside expand=${part}`,
        },
      ],
    ]);
  });

  test.each(lists.filter(([path]) => /top|trending|tiktok/.test(path)))(
    'of %s are not those of an answer that L1 keeps for other fields',
    async (path, fields) => {
      const some = `${path}&fields=${fields.join(',')}`;
      const bodies: string[] = [];
      for (const each of [path, some]) {
        // The second local hit sends the answer that the first has kept.
        for (const _ of ['kept', 'sent'])
          await until('L1 answers', async () =>
            (cacheStatus(await api.get(each)) ?? '').startsWith('kol-l1'),
          );
        bodies.push((await api.get(each)).text);
      }
      expect(
        bodies.map(
          (body) =>
            Object.keys((JSON.parse(body) as { items: object[] }).items[0] ?? {}).length > fields.length,
        ),
      ).toEqual([true, false]);
      expect((await api.get(path)).text).toBe(bodies[0]);
    },
  );
});
