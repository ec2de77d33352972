import type { Message } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKafkaClient } from '../../../clients/kafka/client.ts';
import { openDeadLetters } from '../../../clients/kafka/dead-letters.ts';
import type { RecordReader } from '../../../clients/kafka/record-reader.ts';
import { replay } from '../../../clients/kafka/replay-dead-letters.ts';
import type { DeadLetterReason } from '../../../domain/scoring/parse-event.ts';
import { cachedScore } from '../../support/cache-values.ts';
import { kafkaTool } from '../../support/kafka-tool.ts';
import { event, loopHarness, type LoopHarness, outcomeCount, stateOf } from '../../support/loop-harness.ts';
import { readDeadLetters, readScoredKols, testRecordReader } from '../../support/scoring-outputs.ts';
import { until } from '../../support/until.ts';

let harness: LoopHarness;
let reader: RecordReader;
beforeAll(async () => {
  harness = await loopHarness(6, { latencyMs: 5 });
  reader = testRecordReader(harness);
});
afterAll(() => Promise.all([harness.close(), reader.close()]));
/** Each test has a topic and a loop of its own. Some run at the same time, because a loop waits most of the time. */
const loopTest = test.extend('topic', () => harness.newTopic());

const profile = (username: string, more: object = {}) => event('profiles', username, more);
const without = (field: string, username: string): Message => {
  const { [field]: _left, ...rest } = JSON.parse(String(profile(username).value)) as Record<string, unknown>;
  return { key: username, value: JSON.stringify(rest) };
};
/** A list in a list in a list …: a function that is recursive exhausts the stack on it. */
const nestedBio = (username: string, depth: number): Message => ({
  key: username,
  value: String(profile(username, { bio: 0 }).value).replace(
    '"bio":0',
    `"bio":${'['.repeat(depth)}${']'.repeat(depth)}`,
  ),
});
const send = (topic: string, messages: Message[]) => harness.producer.send({ topic, messages });
const deadLetters = (topic: string) => readDeadLetters(reader, topic);

const NOT_UTF8 = Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0x22, 0x7d]);

/** By key: a message, and the reason why it becomes a dead letter. */
const INVALID: Readonly<Record<string, readonly [Omit<Message, 'key'>, DeadLetterReason]>> = {
  'cut-off': [{ value: '{"username":"cut-of' }, 'not_json'],
  empty: [{ value: '' }, 'not_json'],
  tombstone: [{ value: null }, 'tombstone'],
  bytes: [{ value: NOT_UTF8, headers: { 'trace-id': NOT_UTF8, source: 'scraper-7' } }, 'not_utf8'],
  list: [{ value: '[1,2,3]' }, 'not_an_object'],
  null: [{ value: 'null' }, 'not_an_object'],
  'deeply-nested': [{ value: '['.repeat(20_000) + ']'.repeat(20_000) }, 'not_an_object'],
  'deeply-nested-bio': [nestedBio('deeply-nested-bio', 6000), 'too_deep'],
  'wrong-kind': [profile('wrong-kind', { event_type: 'video' }), 'wrong_event_type'],
  'no-username': [without('username', 'no-username'), 'missing_id'],
  'blank-username': [profile('blank-username', { username: '  ' }), 'missing_id'],
  'username-as-object': [profile('username-as-object', { username: { id: 1 } }), 'invalid_id'],
  'username-as-redis-command': [profile('x', { username: 'x\r\nFLUSHALL\r\n' }), 'invalid_id'],
  'long-username': [profile('long-username', { username: 'x'.repeat(257) }), 'invalid_id'],
  'username-as-rounded-number': [
    { value: '{"platform":"tiktok","username":7.301234567890124e18}' },
    'invalid_id',
  ],
  'platform-as-number': [profile('platform-as-number', { platform: 7 }), 'invalid_field'],
  'long-nickname': [profile('long-nickname', { nickname: 'x'.repeat(70_000) }), 'invalid_field'],
  'bio-as-list': [profile('bio-as-list', { bio: ['a'] }), 'invalid_field'],
  'verified-as-text': [profile('verified-as-text', { verified: 'perhaps' }), 'invalid_field'],
  negative: [profile('negative', { followers_count: -5 }), 'invalid_count'],
  huge: [profile('huge', { followers_count: 1e300 }), 'invalid_count'],
  fraction: [profile('fraction', { post_count: 1.5 }), 'invalid_count'],
  'huge-text': [profile('huge-text', { followers_raw: '9'.repeat(400) }), 'invalid_count'],
  ambiguous: [profile('ambiguous', { followers_raw: '1.234' }), 'invalid_count'],
  'not-a-number': [profile('not-a-number', { followers_raw: 'NaN' }), 'invalid_count'],
  'count-as-words': [profile('count-as-words', { likes_raw: 'a lot' }), 'invalid_count'],
  'no-such-day': [profile('no-such-day', { event_time: '2026-02-30T12:00:00Z' }), 'invalid_event_time'],
  'time-as-words': [profile('time-as-words', { event_time: 'just now' }), 'invalid_event_time'],
  'from-the-future': [
    profile('from-the-future', { event_time: '2999-01-01T00:00:00Z' }),
    'event_time_in_future',
  ],
  refused: [profile('refused'), 'rejected_by_model'],
};
const VALID = ['good-1', 'good-2', 'good-3', 'good-4'];

const bytesOf = (value: Message['value']) => (value === null ? null : Buffer.from(value));

describe('invalid records among valid ones', () => {
  loopTest(
    'become dead letters with the original bytes, the reason and the location, and the valid ones are scored',
    async ({ topic }) => {
      await harness.ml.setFaults({ refuse: ['refused'] });
      const invalid = Object.entries(INVALID).map(([key, [message]]): Message => ({ ...message, key }));
      const all = [
        ...VALID.slice(0, 2).map((name) => profile(name)),
        ...invalid,
        ...VALID.slice(2).map((name) => profile(name)),
      ];
      await harness.withLoop(topic, async (loop) => {
        await send(topic, all);
        await until('all have an outcome', async () => (await outcomeCount(loop)) === all.length);
        expect((await stateOf(loop)).totals).toMatchObject({
          scored: VALID.length,
          deadLetters: invalid.length,
        });
      });

      const letters = await deadLetters(topic);
      expect(Object.fromEntries(letters.map(({ key, reason }) => [String(key), reason]))).toEqual(
        Object.fromEntries(Object.entries(INVALID).map(([key, [, reason]]) => [key, reason])),
      );
      expect(letters).toHaveLength(invalid.length);
      for (const letter of letters) {
        const [sent] = INVALID[String(letter.key)] ?? [];
        expect(letter.value, String(letter.key)).toEqual(bytesOf(sent?.value ?? null));
        // Its location in the input topic has exactly this record.
        const { original } = letter;
        if (original === null) throw new Error(`${String(letter.key)} has no location`);
        const [record] = (await reader.read(original, 1)).records;
        expect({ topic: original.topic, key: record?.key, value: record?.value }).toEqual({
          topic,
          key: letter.key,
          value: letter.value,
        });
        expect(letter.message).not.toBe('');
      }
      const kept = letters.find(({ key }) => String(key) === 'bytes')?.headers;
      expect(kept).toMatchObject({ 'trace-id': NOT_UTF8, source: Buffer.from('scraper-7') });

      expect((await readScoredKols(harness))[topic]).toEqual(VALID);
      for (const name of VALID)
        expect(await cachedScore(harness.redis, name)).toMatchObject({ kol_id: name });
      expect(await cachedScore(harness.redis, 'refused')).toBeNull();
    },
  );

  loopTest.concurrent(
    'unusual spellings of valid values are scored, each KOL once and under its exact id',
    async ({ topic }) => {
      const ids = ['7301234567890123456', '7301234567890123457'];
      const numeric = ids.map((id) => ({
        key: id,
        value: String(profile('x').value).replace('"username":"x"', `"username":${id}`),
      }));
      const unusual = [
        profile('@handle'),
        profile('\u200ehandle '),
        without('platform', 'no-platform'),
        profile('counts', { followers_raw: '1,2 Tr', following_count: -1 }),
        profile('two-platforms', { platform: 'tiktok' }),
        profile('two-platforms', { platform: 'twitter' }),
      ];
      await harness.withLoop(topic, async (loop) => {
        await send(
          topic,
          [...numeric, ...unusual].map((message) => ({ ...message, partition: 0 })),
        );
        await until('all have an outcome', async () => (await outcomeCount(loop)) === 8);
        expect((await stateOf(loop)).totals).toMatchObject({ scored: 7, superseded: 1, deadLetters: 0 });
      });
      const scored = (await readScoredKols(harness))[topic] ?? [];
      expect([...scored].sort()).toEqual(
        [...ids, 'handle', 'no-platform', 'counts', 'two-platforms', 'two-platforms'].sort(),
      );
      expect(await cachedScore(harness.redis, 'no-platform')).toMatchObject({ platform: 'unknown' });
      for (const id of ids) expect(await cachedScore(harness.redis, id)).toMatchObject({ kol_id: id });
    },
  );

  loopTest.concurrent(
    'are scored after a replay, whatever their age, and replace no newer score',
    async ({ topic }) => {
      const day = 86_400_000;
      const { event_time: _, ...old } = JSON.parse(String(profile('old').value)) as Record<string, unknown>;
      const received = { timestamp: String(Date.now() - 10 * day), partition: 0 };
      await harness.ml.setFaults({ refuse: ['old'] });
      await harness.withLoop(topic, async (loop) => {
        await send(topic, [
          { key: 'old', value: JSON.stringify(old), ...received },
          { ...profile('now'), partition: 0 },
        ]);
        await until('one is refused', async () => (await stateOf(loop)).totals.deadLetters === 1);
        await harness.ml.setFaults({});
        await send(topic, [{ ...profile('old', { event_time: Date.now() - day }), partition: 0 }]);
        await until('a newer event is scored', async () => (await outcomeCount(loop)) === 3);
        const newer = await cachedScore(harness.redis, 'old');

        const kafka = createKafkaClient(harness.config.KAFKA_BROKERS, 'test-replay', () => {});
        const letters = await openDeadLetters(kafka, topic, () => {});
        expect(await replay(kafka, { topic, partitions: letters.inputPartitions }, letters.all({}))).toBe(1);
        await letters.close();
        await until('it has an outcome', async () => (await outcomeCount(loop)) === 4);
        expect((await stateOf(loop)).totals).toMatchObject({ scored: 3, outdated: 1 });
        expect(await cachedScore(harness.redis, 'old')).toEqual(newer);
      });
      expect(((await readScoredKols(harness))[topic] ?? []).toSorted()).toEqual(['now', 'old', 'old']);
    },
  );

  loopTest.concurrent('keep repeated headers; a header without a value becomes empty', async ({ topic }) => {
    const brokers = harness.config.KAFKA_BROKERS.join();
    await harness.withLoop(topic, async (loop) => {
      // kafkajs cannot write a header without a value.
      await kafkaTool(
        'ConsoleProducer',
        [
          ...['--bootstrap-server', brokers, '--topic', topic],
          ...['parse.headers=true', 'parse.key=true', 'null.marker=NULL'].flatMap((setting) => [
            '--property',
            setting,
          ]),
        ],
        'hop:first,flag:NULL,hop:NULL,hop:last\tbad\t{"broken\n',
      );
      await until('it has an outcome', async () => (await outcomeCount(loop)) === 1);
    });
    const bytes = (text: string) => Buffer.from(text);
    const [letter] = await deadLetters(topic);
    expect(letter?.headers).toMatchObject({
      hop: [bytes('first'), bytes(''), bytes('last')],
      flag: bytes(''),
    });
    const printed = await kafkaTool('consumer.ConsoleConsumer', [
      ...[
        '--bootstrap-server',
        brokers,
        '--topic',
        `${topic}.dlq`,
        '--from-beginning',
        '--max-messages',
        '1',
      ],
      ...['--isolation-level', 'read_committed', '--timeout-ms', '20000'],
      ...['--property', 'print.headers=true', '--property', 'null.literal=NULL'],
    ]);
    expect(printed).toMatch(/^hop:first,hop:,hop:last,flag:,__connect\.errors\.topic:.*\t\{"broken$/m);
  });
});
