import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPartMetadata, writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { deleteUnlessStreamed } from '../../../cache/writing/delete-entries.ts';
import { fenceKey } from '../../../cache/writing/read-fence.ts';
import { renewSets } from '../../../cache/writing/renew-sets.ts';
import { IncompleteSetError, removeSet, replaceSet } from '../../../cache/writing/replace-set.ts';
import { EmptyEntryError, writeEntries } from '../../../cache/writing/write-entries.ts';
import { cacheMetadata } from '../../../domain/entities/part-metadata.ts';
import type { CacheEntry } from '../../../domain/schema/entry.ts';
import { withPipeline } from '../../support/with-pipeline.ts';
import { idsOf, partMetadataOf } from '../../support/cache-values.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { allKeys, keysWithoutTtl } from '../../support/redis.ts';

/** A list of one repeated value, so that a mix of two writes is visible. */
const listOf = (key: string, value: string): CacheEntry => ({
  key,
  ttlSeconds: 100,
  type: 'list',
  items: Array.from({ length: 2500 }, () => value),
});

describeOnRedisAndCluster('writing', (target) => {
  describe('entries', () => {
    test('spreads entries of every type over all nodes, replaces old values whole, and sets TTLs', async () => {
      const { redis, masters } = target;
      const entries = idsOf(700).map((id, index): CacheEntry => {
        const common = { key: `test:${id}`, ttlSeconds: 100 };
        if (index % 4 === 0) return { ...common, type: 'hash', fields: { a: '1', b: 'ü' } };
        if (index % 4 === 1) return { ...common, type: 'string', value: id };
        if (index % 4 === 2) return { ...common, type: 'list', items: ['x', 'y', 'x'] };
        return { ...common, type: 'zset', members: [['m', 0.1], ['n', 9007199254740991]] }; // prettier-ignore
      });
      // An old value of another type, and one with a field that the new value does not have.
      await redis.set('test:kol-2', 'old');
      await redis.hset('test:kol-0', 'c', 'old');
      expect(await writeEntries(redis, entries)).toMatchObject({ keys: 700 });

      expect(await allKeys(redis)).toHaveLength(700);
      expect(await keysWithoutTtl(redis)).toEqual([]);
      const sizes = await Promise.all(masters.map((node) => node.redis.dbsize()));
      expect(Math.min(...sizes)).toBeGreaterThan(100);
      expect(await redis.hgetall('test:kol-0')).toEqual({ a: '1', b: 'ü' });
      expect(await redis.get('test:kol-1')).toBe('kol-1');
      expect(await redis.lrange('test:kol-2', 0, -1)).toEqual(['x', 'y', 'x']);
      const scores = ['m', 'n'].map((member) => redis.zscore('test:kol-3', member));
      expect((await Promise.all(scores)).map(Number)).toEqual([0.1, 9007199254740991]);
      expect(await redis.ttl('test:kol-3')).toBeGreaterThan(95);
    });

    test('writes entries with more members than Lua can unpack', async () => {
      const { redis } = target;
      const members = idsOf(9001).map((id, index) => [id, index] as const);
      const fields = Object.fromEntries(idsOf(9001).map((id) => [id, id]));
      await writeEntries(redis, [
        { key: 'test:zset', ttlSeconds: 9, type: 'zset', members },
        { key: 'test:hash', ttlSeconds: 9, type: 'hash', fields },
      ]);
      expect(await redis.zscore('test:zset', 'kol-9000')).toBe('9000');
      expect([await redis.zcard('test:zset'), await redis.hlen('test:hash')]).toEqual([9001, 9001]);
    });

    test('writes many hashes in few calls, each with its own fields, values and TTL', async () => {
      const { redis } = target;
      // Names and values with everything that could be mistaken for a separator.
      const text = fc.string({ unit: fc.constantFrom('a', 'b', ',', ' ', '\n', 'ü', '1'), maxLength: 3 });
      const hash = fc.record({
        ttlSeconds: fc.constantFrom(100, 200),
        fields: fc.dictionary(text, text, { minKeys: 1, maxKeys: 4 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(hash, { minLength: 1, maxLength: 120 }), async (hashes) => {
          const entries = hashes.map((one, index): CacheEntry => ({
            ...one,
            key: `test:${index}`,
            type: 'hash',
          }));
          await writeEntries(redis, entries);
          for (const [index, { fields, ttlSeconds }] of hashes.entries()) {
            expect(await redis.hgetall(`test:${index}`)).toEqual({ ...fields });
            expect(Math.abs((await redis.ttl(`test:${index}`)) - ttlSeconds)).toBeLessThan(10);
          }
        }),
        { numRuns: 15 },
      );
    });

    describe('of rows', () => {
      const at = (seconds: number) => new Date(Date.UTC(2026, 2, 1, 12, 0, seconds)).toISOString();
      const row = (id: string, value: string, seconds: number): CacheEntry => ({
        key: `test:${id}`,
        ttlSeconds: 100,
        type: 'hash',
        fields: { value, bio: 'x'.repeat(100), cached_at: at(seconds) },
      });
      /** More than one script call takes, with ids that have braces. */
      const ids = idsOf(120).map((id, index) => (index % 3 === 0 ? `{${id}` : id));

      test('replaces those that differ, and renews the equal ones', async () => {
        const { redis } = target;
        const write = (value: (index: number) => string, seconds: number) =>
          writeEntries(
            redis,
            ids.map((id, index) => row(id, value(index), seconds)),
          );
        expect(await write(() => 'a', 1)).toMatchObject({ keys: 120, replaced: 0, renewed: 0 });
        for (const id of ids) await redis.expire(`test:${id}`, 5);
        await redis.hset('test:kol-100', 'extra', 'field');
        expect(await write((index) => (index < 10 ? 'b' : 'a'), 2)).toMatchObject({
          keys: 11,
          replaced: 11,
          renewed: 109,
          repeated: 0,
        });
        for (const [index, id] of ids.entries()) {
          const { fields } = row(id, index < 10 ? 'b' : 'a', 2) as Extract<CacheEntry, { type: 'hash' }>;
          expect(await redis.hgetall(`test:${id}`)).toEqual(fields);
          expect(await redis.ttl(`test:${id}`)).toBeGreaterThan(5);
        }
        // A second attempt of the same warm finds its own rows.
        expect(await write((index) => (index < 10 ? 'b' : 'a'), 2)).toMatchObject({ keys: 0, repeated: 120 });
      });

      test('does not write over a row of a later read, or a row that a later read did not find', async () => {
        const { redis } = target;
        await writeEntries(redis, [row('a', 'later', 9), row('b', 'gone', 1), row('c', 'old', 1)]);
        await deleteUnlessStreamed(redis, ['test:b'], Date.parse(at(8)) * 1000);
        await redis.set('test:d', 'of another type');
        const late = ['a', 'b', 'c', 'd'].map((id) => row(id, 'early', 5));
        expect(await writeEntries(redis, late)).toMatchObject({ keys: 2 });
        expect(await redis.hget('test:a', 'value')).toBe('later');
        expect(await redis.exists('test:b')).toBe(0);
        expect(await redis.hget('test:c', 'value')).toBe('early');
        expect(await redis.hget('test:d', 'value')).toBe('early');
        // The row came back after the deletion.
        expect(await writeEntries(redis, [row('b', 'back', 9)])).toMatchObject({ keys: 1 });
      });
    });

    test('refuses an empty entry before it writes its neighbours', async () => {
      const { redis } = target;
      const filled: CacheEntry = { key: 'test:some', ttlSeconds: 9, type: 'list', items: ['a'] };
      const empty: CacheEntry = { ...filled, key: 'test:none', items: [] };
      await expect(writeEntries(redis, [filled, empty])).rejects.toThrow(EmptyEntryError);
      expect(await redis.exists('test:some')).toBe(0);
    });

    test('throws the first error that Redis answers', async () => {
      const { redis } = target;
      await redis.set('test:text', 'x');
      const hash: CacheEntry = { key: 'test:hash', ttlSeconds: -1, type: 'hash', fields: { a: '1' } };
      await writeEntries(redis, [{ ...hash, ttlSeconds: 10 }]);
      const invalid = { ...hash, ttlSeconds: Number.NaN };
      await expect(
        writeEntries(redis, [invalid, ...idsOf(30).map((key) => ({ ...hash, key }))]),
      ).rejects.toThrow(/not an integer/);
    });

    test('keeps the metadata of each part when another part is written', async () => {
      const { redis } = target;
      await writePartMetadata(redis, 'profiles', partMetadataOf(7));
      await writePartMetadata(redis, 'stats', partMetadataOf(8));
      expect(await readPartMetadata(redis, 'profiles')).toMatchObject({ rows: 7 });
      expect(await readPartMetadata(redis, 'stats')).toMatchObject({ rows: 8 });
      expect(await redis.ttl(cacheMetadata.key)).toBeGreaterThan(cacheMetadata.ttlSeconds - 60);
    });
  });

  describe('sets', () => {
    test('lets concurrent writers replace the same sets whole, and leaves no staging keys', async () => {
      const { redis } = target;
      const keys = idsOf(6, 'test:set-');
      await Promise.all(
        keys.flatMap((key) => ['a', 'b', 'c'].map((value) => replaceSet(redis, listOf(key, value), 1))),
      );
      expect(await allKeys(redis)).toEqual(keys);
      expect(await keysWithoutTtl(redis)).toEqual([]);
      for (const key of keys) {
        const items = await redis.lrange(key, 0, -1);
        expect(items).toHaveLength(2500);
        expect(new Set(items).size).toBe(1);
      }
    });

    test.each([
      ['is lost', (stagingKey: string) => target.redis.unlink(stagingKey)],
      ['is added twice', (stagingKey: string) => target.redis.rpush(stagingKey, 'new')],
    ])('keeps the old set when a part of a large new set %s', async (_name, harm) => {
      const { redis } = target;
      await replaceSet(redis, listOf('test:set', 'old'), 1);
      let harmed = 0;
      const harmfulRedis = withPipeline(redis, (pipeline) => {
        const exec = pipeline.exec.bind(pipeline);
        pipeline.exec = async () => {
          const replies = await exec();
          const [stagingKey] = (await allKeys(redis)).filter((key) => key !== 'test:set');
          if (stagingKey !== undefined && harmed++ === 0) await harm(stagingKey);
          return replies;
        };
        return pipeline;
      });
      await expect(replaceSet(harmfulRedis, listOf('test:set', 'new'), 2)).rejects.toThrow(
        IncompleteSetError,
      );
      expect(harmed).toBeGreaterThan(0);
      expect(new Set(await redis.lrange('test:set', 0, -1))).toEqual(new Set(['old']));
      expect(await redis.llen('test:set')).toBe(2500);
      expect(await keysWithoutTtl(redis)).toEqual([]);
    });

    test('keep the state of the read that began last, in any order of writes', async () => {
      const { redis } = target;
      const writers = fc.uniqueArray(
        fc.record({
          readAt: fc.integer({ min: 1, max: 2 ** 50 }),
          // 0: the read found no members.
          size: fc.constantFrom(0, 1, 3, 1001),
        }),
        { selector: ({ readAt }) => readAt, minLength: 1, maxLength: 5 },
      );
      await fc.assert(
        fc.asyncProperty(writers, async (finished) => {
          await redis.unlink('test:set', fenceKey('test:set'));
          for (const { readAt, size } of finished) {
            const items = Array.from({ length: size }, () => String(readAt));
            if (size === 0) await removeSet(redis, 'test:set', readAt);
            else await replaceSet(redis, { key: 'test:set', ttlSeconds: 100, type: 'list', items }, readAt);
          }
          const last = finished.reduce((one, other) => (other.readAt > one.readAt ? other : one));
          const expected = Array.from({ length: last.size }, () => String(last.readAt));
          expect(await redis.lrange('test:set', 0, -1)).toEqual(expected);
          expect(await allKeys(redis)).toEqual(last.size === 0 ? [] : ['test:set']);
        }),
        { numRuns: 30 },
      );
    });

    test('are renewed together with their fence, unless another read has written one of them', async () => {
      const { redis } = target;
      const setAt = (readAt: number) => ({
        key: 'test:set',
        type: 'list' as const,
        ttlSeconds: 5000,
        readAt,
      });
      await replaceSet(redis, listOf('test:set', 'first'), 1);
      expect(await renewSets(redis, [setAt(1)])).toBe(true);
      expect(await redis.ttl('test:set')).toBeGreaterThan(4900);
      expect(await redis.ttl(fenceKey('test:set'))).toBeGreaterThan(4900);
      await replaceSet(redis, listOf('test:set', 'second'), 2);
      expect(await renewSets(redis, [setAt(1)])).toBe(false);
      expect(await redis.ttl('test:set')).toBeLessThan(4900);
      await redis.unlink('test:set');
      expect(await renewSets(redis, [setAt(2)])).toBe(false);
    });

    test.each(['replaceSet', 'writeEntries'])(
      'of a ranking with a score that is no number keeps the old one: %s',
      async (name) => {
        const { redis } = target;
        const rankingOf = (score: number): CacheEntry => ({
          ...{ key: 'test:zset', ttlSeconds: 100, type: 'zset' },
          members: [['a', 1], ['b', score]], // prettier-ignore
        });
        const write = (score: number) =>
          name === 'replaceSet'
            ? replaceSet(redis, rankingOf(score), 1)
            : writeEntries(redis, [rankingOf(score)]);
        await write(2);
        await expect(write(Number.NaN)).rejects.toThrow('a score is not a number');
        expect(await redis.zrange('test:zset', '0', '-1', 'WITHSCORES')).toEqual(['a', '1', 'b', '2']);
      },
    );

    test('accepts a large set with repeated members, and a large hash', async () => {
      const { redis } = target;
      const members = idsOf(2400).map((id, index) => [id.replace(/7$/, '8'), index] as const);
      await replaceSet(redis, { key: 'test:zset', ttlSeconds: 100, type: 'zset', members }, 1);
      expect(await redis.zcard('test:zset')).toBe(2160);
      const fields = Object.fromEntries(idsOf(2400).map((id) => [id, id]));
      await replaceSet(redis, { key: 'test:hash', ttlSeconds: 100, type: 'hash', fields }, 1);
      expect(await redis.hlen('test:hash')).toBe(2400);
      expect(await allKeys(redis)).toEqual(['test:hash', 'test:zset']);
    });
  });
});
