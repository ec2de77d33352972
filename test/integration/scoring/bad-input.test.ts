import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import kafkajs, { type Message } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDeadLetters } from '../../../clients/kafka/dead-letters.ts';
import { createKafkaClient } from '../../../clients/kafka/client.ts';
import { createRangeReader, type RangeReader } from '../../../clients/kafka/range-reader.ts';
import type { Score } from '../../../domain/entities/score.ts';
import { parseDeadLetter, type DeadLetter } from '../../../domain/scoring/dead-letter.ts';
import type { DeadLetterReason } from '../../../domain/scoring/parse-outcome.ts';
import { LEDGER_TOPIC, SCORES_TOPIC } from '../../../domain/scoring/topics.ts';
import { createMlService } from '../../../simulators/ml-service/server.ts';
import { pauseLoopUpdate, resumeLoopUpdate } from '../../../contract/messages.ts';
import { accounted, event, loopHarness, stateOf, type LoopHarness } from '../../support/loop-harness.ts';
import { kafkaTool } from '../../support/kafka-tool.ts';
import { readTopics } from '../../support/read-topics.ts';
import { until } from '../../support/until.ts';

/** What the loop makes of input that nobody would send on purpose, and of an ML API that does not work. */
const LATENCY_MS = 5;
const TIMEOUT_SECONDS = 1;
let harness: LoopHarness;
let reader: RangeReader;
/** The ML service in the place of the one that was stopped. */
let restarted: Server | undefined;
let topic: string;
beforeAll(async () => {
  harness = await loopHarness(6, {
    latencyMs: LATENCY_MS,
    env: { ML_API_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS) },
  });
  reader = createRangeReader(createKafkaClient(harness.config.KAFKA_BROKERS, 'test-bad-input', () => {}));
});
afterAll(async () => {
  await Promise.all([harness.close(), reader.close()]);
  restarted?.closeAllConnections();
  restarted?.close();
});
beforeEach(async () => {
  await harness.ml.setFaults({});
  topic = await harness.newTopic();
});

const profile = (username: string, more: object = {}) => event('profiles', username, more);
const without = (field: string, username: string): Message => {
  const { [field]: _left, ...rest } = JSON.parse(String(profile(username).value)) as Record<string, unknown>;
  return { key: username, value: JSON.stringify(rest) };
};
const send = (messages: Message[]) => harness.producer.send({ topic, messages });
const scoreOf = async (username: string): Promise<Score | null> =>
  JSON.parse((await harness.redis.get(`kol:score:${username}`)) ?? 'null') as Score | null;

/** The dead letters of the topic, bytes as they are in the log. */
async function deadLetters(): Promise<DeadLetter[]> {
  const [end] = await harness.admin.fetchTopicOffsets(`${topic}.dlq`);
  const range = { topic: `${topic}.dlq`, partition: 0, from: 0, to: Number(end?.high) };
  return (await reader.read(range)).records.map((record) => parseDeadLetter(record, range.topic, 0));
}

/** By topic: KOLs in scores.stream, told by a reader that is not kafkajs. */
async function streamed(): Promise<Record<string, string[]>> {
  const records = await readTopics(harness.config.KAFKA_BROKERS.join(), SCORES_TOPIC);
  const byTopic: Record<string, string[]> = {};
  for (const { key, value } of records) {
    const from = (JSON.parse(value) as Score).source?.topic ?? '';
    byTopic[from] = [...(byTopic[from] ?? []), key].sort();
  }
  return byTopic;
}

const NOT_UTF8 = Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0x22, 0x7d]);

/** By key: a message as it is sent, and why it is a dead letter. */
const BAD: Readonly<Record<string, readonly [Omit<Message, 'key'>, DeadLetterReason]>> = {
  'cut-off': [{ value: '{"username":"cut-of' }, 'not_json'],
  empty: [{ value: '' }, 'not_json'],
  tombstone: [{ value: null }, 'tombstone'],
  bytes: [{ value: NOT_UTF8, headers: { 'trace-id': NOT_UTF8, source: 'scraper-7' } }, 'not_utf8'],
  list: [{ value: '[1,2,3]' }, 'not_an_object'],
  null: [{ value: 'null' }, 'not_an_object'],
  'deeply-nested': [{ value: '['.repeat(20_000) + ']'.repeat(20_000) }, 'not_an_object'],
  'wrong-kind': [profile('wrong-kind', { event_type: 'video' }), 'wrong_event_type'],
  'no-username': [without('username', 'no-username'), 'missing_id'],
  'blank-username': [profile('blank-username', { username: '  ' }), 'missing_id'],
  'username-as-object': [profile('username-as-object', { username: { id: 1 } }), 'invalid_id'],
  'username-as-redis-command': [profile('x', { username: 'x\r\nFLUSHALL\r\n' }), 'invalid_id'],
  'long-username': [profile('long-username', { username: 'x'.repeat(257) }), 'invalid_id'],
  'platform-as-number': [profile('platform-as-number', { platform: 7 }), 'invalid_field'],
  'bio-as-list': [profile('bio-as-list', { bio: ['a'] }), 'invalid_field'],
  'verified-as-text': [profile('verified-as-text', { verified: 'perhaps' }), 'invalid_field'],
  negative: [profile('negative', { followers_count: -5 }), 'invalid_count'],
  huge: [profile('huge', { followers_count: 1e300 }), 'invalid_count'],
  fraction: [profile('fraction', { post_count: 1.5 }), 'invalid_count'],
  'huge-text': [profile('huge-text', { followers_raw: '9'.repeat(400) }), 'invalid_count'],
  'not-a-number': [profile('not-a-number', { followers_raw: 'NaN' }), 'invalid_count'],
  'text-of-words': [profile('text-of-words', { likes_raw: 'a lot' }), 'invalid_count'],
  'time-of-words': [profile('time-of-words', { event_time: 'just now' }), 'invalid_event_time'],
  'from-the-future': [
    profile('from-the-future', { event_time: '2999-01-01T00:00:00Z' }),
    'event_time_in_future',
  ],
  refused: [profile('refused'), 'rejected_by_model'],
};
const GOOD = ['good-1', 'good-2', 'good-3', 'good-4'];

const bytesOf = (value: Message['value']) => (value === null ? null : Buffer.from(value));

describe('bad records among good ones', () => {
  test('become dead letters as they came, each with its reason and place, and the good ones are scored', async () => {
    await harness.ml.setFaults({ refuse: ['refused'] });
    const bad = Object.entries(BAD).map(([key, [message]]): Message => ({ ...message, key }));
    const all = [
      ...GOOD.slice(0, 2).map((name) => profile(name)),
      ...bad,
      ...GOOD.slice(2).map((name) => profile(name)),
    ];
    await harness.withLoop(topic, async (loop) => {
      await send(all);
      await until('all are accounted for', async () => (await accounted(loop)) === all.length);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: GOOD.length, deadLetters: bad.length });
    });

    const letters = await deadLetters();
    expect(Object.fromEntries(letters.map(({ key, reason }) => [String(key), reason]))).toEqual(
      Object.fromEntries(Object.entries(BAD).map(([key, [, reason]]) => [key, reason])),
    );
    expect(letters).toHaveLength(bad.length);
    for (const letter of letters) {
      const [sent] = BAD[String(letter.key)] ?? [];
      expect(letter.value, String(letter.key)).toEqual(bytesOf(sent?.value ?? null));
      // Its place in the input holds just that record.
      const { original } = letter;
      if (original === null) throw new Error(`${String(letter.key)} does not say where it was`);
      const range = { ...original, from: original.offset, to: original.offset + 1 };
      const [record] = (await reader.read(range)).records;
      expect({ topic: original.topic, key: record?.key, value: record?.value }).toEqual({
        topic,
        key: letter.key,
        value: letter.value,
      });
      expect(letter.message).not.toBe('');
    }
    const kept = letters.find(({ key }) => String(key) === 'bytes')?.headers;
    expect(kept).toMatchObject({ 'trace-id': NOT_UTF8, source: Buffer.from('scraper-7') });

    expect((await streamed())[topic]).toEqual(GOOD);
    for (const name of GOOD) expect(await scoreOf(name)).toMatchObject({ kol_id: name });
    expect(await scoreOf('refused')).toBeNull();
  });

  test('keep headers that are repeated; those without a value become empty', async () => {
    const brokers = harness.config.KAFKA_BROKERS.join();
    await harness.withLoop(topic, async (loop) => {
      // kafkajs could not write the header without a value.
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
      await until('it is accounted for', async () => (await accounted(loop)) === 1);
    });
    const bytes = (text: string) => Buffer.from(text);
    const [letter] = await deadLetters();
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

  // message.max.bytes is 1,048,588 by default; 61 go to the batch, 14 to lengths and such, 3 to the key.
  const LARGEST = 1_048_588 - 61 - 14;
  const padded = (bytes: number, more: object) => {
    const message = profile('big', { ...more, bio: '' });
    return {
      ...message,
      value: String(message.value).replace(
        '"bio":""',
        () => `"bio":"${'x'.repeat(bytes - String(message.value).length)}"`,
      ),
    };
  };

  test('may be as large as the broker takes', async () => {
    await expect(send([{ key: 'big', value: 'x'.repeat(LARGEST + 1) }])).rejects.toThrow(/larger/);
    await harness.withLoop(topic, async (loop) => {
      await send([padded(LARGEST, {})]);
      await send([padded(LARGEST, { followers_count: -1 })]);
      await send([{ key: 'big', value: 'x'.repeat(LARGEST) }]);
      await send([profile('after-big')]);
      await until('all are accounted for', async () => (await accounted(loop)) === 4);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: 2, deadLetters: 2 });
    });
    expect((await deadLetters()).map(({ reason, value }) => [reason, value?.length])).toEqual([
      ['invalid_count', LARGEST],
      ['not_json', LARGEST],
    ]);
  });

  test('may be larger than their letters can be: those are compressed, or say where the rest is', async () => {
    await harness.admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: `${topic}.dlq`,
          configEntries: [{ name: 'max.message.bytes', value: '1048588' }], // as that of the input
        },
      ],
    });
    const random = randomBytes(LARGEST - 100); // its header takes the rest
    await harness.withLoop(topic, async (loop) => {
      await send([{ key: 'random', value: random, headers: { source: 'scraper-7' } }]);
      await harness.producer.send({
        topic,
        messages: [{ key: 'packed', value: `{"broken${' '.repeat(20_000_000)}` }],
        compression: kafkajs.CompressionTypes.GZIP,
      });
      await send([profile('after-both')]);
      await until('all are accounted for', async () => (await accounted(loop)) === 3);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: 1, deadLetters: 2 });
    });
    const letters = new Map((await deadLetters()).map((letter) => [String(letter.key), letter]));
    expect(letters.get('packed')).toMatchObject({ reason: 'not_json', leftOutBytes: null });
    expect(letters.get('packed')?.value).toHaveLength(20_000_008);
    expect(letters.get('random')).toMatchObject({
      reason: 'not_utf8',
      value: null,
      leftOutBytes: random.length,
    });
    // The original is where the letter says, and `dlq replay` fetches it there.
    const kafka = createKafkaClient(harness.config.KAFKA_BROKERS, 'test-bad-input', () => {});
    const opened = await openDeadLetters(kafka, harness.config.SCORING_GROUP, topic);
    try {
      const whole = [];
      for await (const some of opened.whole(opened.all({ reason: 'not_utf8' }))) whole.push(...some);
      expect(whole).toHaveLength(1);
      expect(whole[0]?.value).toEqual(random);
      expect(whole[0]?.headers).toEqual({ source: Buffer.from('scraper-7') });
    } finally {
      await opened.close();
    }
  });

  test('may be more than memory should hold at once: a range is then done in several transactions', async () => {
    const COUNT = 50;
    await harness.withLoop(topic, async (loop) => {
      await loop.executeUpdate(pauseLoopUpdate);
      await until('it has paused', async () => (await stateOf(loop)).state === 'paused');
      for (let index = 0; index < COUNT; index += 1)
        await harness.producer.send({
          topic,
          messages: [{ ...padded(LARGEST, { username: `large-${index}` }), partition: 0 }],
          compression: kafkajs.CompressionTypes.GZIP,
        });
      await loop.executeUpdate(resumeLoopUpdate);
      await until('all are accounted for', async () => (await accounted(loop)) === COUNT);
      expect(await stateOf(loop)).toMatchObject({ batches: 1, totals: { scored: COUNT } });
    });
    const ledger = (await readTopics(harness.config.KAFKA_BROKERS.join(), LEDGER_TOPIC))
      .filter(({ key }) => key === `${topic}/0`)
      .map(({ value }) => JSON.parse(value) as { from?: number; to?: number })
      .filter(({ from }) => from !== undefined);
    expect(ledger.length).toBeGreaterThan(1);
    expect(ledger.map(({ from }) => from)).toEqual([0, ...ledger.slice(0, -1).map(({ to }) => to)]);
    expect(ledger.at(-1)?.to).toBe(COUNT);
  });

  test('may come in numbers that no single request to Kafka would hold', async () => {
    const half = 'x'.repeat(500_000);
    await harness.withLoop(topic, async (loop) => {
      for (let index = 0; index < 6; index += 1) await send([{ key: 'same', value: half }]);
      await until('all are accounted for', async () => (await accounted(loop)) === 6);
    });
    expect(await deadLetters()).toHaveLength(6);
  });
});

describe('an ML API that does not work', () => {
  const waiting = (name: string) => [`${name}-1`, `${name}-2`, `${name}-3`];
  const LONGER_THAN_A_TRY_MS = 2500;
  /** By topic, what has to be in scores.stream in the end. */
  const outlasted: Record<string, string[]> = {};

  /** Sends profiles while the service fails; nothing may come of them until it works again, and then all. */
  async function outlasts(name: string, mend: () => Promise<unknown>): Promise<void> {
    const names = waiting(name);
    await harness.withLoop(topic, async (loop) => {
      await send(names.map((username) => profile(username)));
      await until('the batch is being tried', async () => (await stateOf(loop)).state === 'scoring');
      await new Promise((resolve) => setTimeout(resolve, LONGER_THAN_A_TRY_MS));
      expect(await stateOf(loop)).toMatchObject({ state: 'scoring', batches: 0 });
      expect(await deadLetters()).toEqual([]);
      await mend();
      await until('all are accounted for', async () => (await accounted(loop)) === names.length);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: names.length, deadLetters: 0 });
    });
    expect(await deadLetters()).toEqual([]);
    outlasted[topic] = names;
    for (const username of names) expect(await scoreOf(username)).toMatchObject({ kol_id: username });
  }

  test.each([
    ['answers 500', 'status-500', { status: 500 }],
    ['answers 429', 'status-429', { status: 429 }],
    ['is slower than the timeout', 'slow', { latency_ms: TIMEOUT_SECONDS * 1000 + 2000 }],
    ['answers something else', 'garbage', { garbage: true }],
  ])('and %s is waited for, and nothing is lost', async (_what, name, faults) => {
    await harness.ml.setFaults(faults);
    await outlasts(name, () => harness.ml.setFaults({}));
  });

  test('and refuses connections is waited for, and nothing is lost', async () => {
    await harness.ml.stop();
    await outlasts('refused', async () => {
      restarted = createMlService({ latencyMs: LATENCY_MS, faults: true });
      restarted.listen(Number(new URL(harness.ml.url).port), '127.0.0.1');
      await once(restarted, 'listening');
    });
  });

  test('and whatever it did, each score is written once', async () => {
    expect(await streamed()).toMatchObject(outlasted);
  });
});
