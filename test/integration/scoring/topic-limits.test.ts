import { randomBytes } from 'node:crypto';
import kafkajs, { type Message } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RecordReader } from '../../../clients/kafka/record-reader.ts';
import { LEDGER_TOPIC, SCORES_TOPIC } from '../../../domain/scoring/output-record.ts';
import { stackPaths, testStackFolder } from '../../../engines/paths.ts';
import { someFreePorts } from '../../../engines/ports.ts';
import { startKafkaCluster, type KafkaCluster } from '../../chaos/kafka-cluster.ts';
import { cachedScore } from '../../support/cache-values.ts';
import { event, loopHarness, outcomeCount, stateOf, type LoopHarness } from '../../support/loop-harness.ts';
import { readDeadLetters, readScoredKols, testRecordReader } from '../../support/scoring-outputs.ts';
import { until } from '../../support/until.ts';

/** Permissions and limits of topics that all loops write to would disturb other tests. */
let own: KafkaCluster;
/** Without a rule for a topic, everybody may do everything with it. */
const PERMISSIONS = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
};
let harness: LoopHarness;
let reader: RecordReader;
beforeAll(async () => {
  const paths = stackPaths(`${testStackFolder}-topic-limits`);
  own = await startKafkaCluster({ paths, ports: await someFreePorts(2), settings: PERMISSIONS });
  harness = await loopHarness(6, { latencyMs: 1, env: { KAFKA_BROKERS: own.brokers } });
  reader = testRecordReader(harness);
});
afterAll(async () => {
  await Promise.all([harness?.close(), reader?.close()]);
  await own?.stop();
});
/** Each test has a topic and a loop of its own. Some run at the same time, because a loop waits most of the time. */
const loopTest = test.extend('topic', () => harness.newTopic(2));
// This sets their other settings to the defaults too.
afterEach(() => Promise.all([SCORES_TOPIC, LEDGER_TOPIC].map((name) => limit(name, 1_048_588))));

const profile = (username: string, partition = 0): Message => ({
  ...event('profiles', username),
  partition,
});
const send = (topic: string, messages: Message[]) => harness.producer.send({ topic, messages });
const limit = (name: string, bytes: number) => configure(name, 'max.message.bytes', String(bytes));
/** Sets one setting of a topic, and the others to their defaults. */
const configure = (topicName: string, setting: string, value: string) =>
  harness.admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topicName,
        configEntries: [{ name: setting, value }],
      },
    ],
  });

/** Everybody may do everything with the topic, except read its settings. */
async function hideSettings(name: string): Promise<() => Promise<unknown>> {
  const { ALL, DESCRIBE_CONFIGS } = kafkajs.AclOperationTypes;
  const { ALLOW, DENY } = kafkajs.AclPermissionTypes;
  const rule = {
    ...{ resourceType: kafkajs.AclResourceTypes.TOPIC, resourceName: name, host: '*' },
    ...{ resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL, principal: 'User:ANONYMOUS' },
  };
  const acl = [
    { ...rule, operation: ALL, permissionType: ALLOW },
    { ...rule, operation: DESCRIBE_CONFIGS, permissionType: DENY },
  ];
  await harness.admin.createAcls({ acl });
  return () => harness.admin.deleteAcls({ filters: acl });
}

/** The Java client reads the outputs, which takes long on a busy machine. */
describe('an output topic that accepts small batches only', { timeout: 120_000 }, () => {
  loopTest('gets the scores in several batches of one transaction', async ({ topic }) => {
    await harness.withLoop(topic, async (loop) => {
      await send(topic, [profile('before')]); // the worker now knows the larger limit
      await until('it has an outcome', async () => (await outcomeCount(loop)) === 1);
      await limit(SCORES_TOPIC, 10_000);
      const names = Array.from({ length: 200 }, (_, index) => `kol-${index}`);
      await send(
        topic,
        names.map((name) => profile(name)),
      );
      await until('all are scored', async () => (await stateOf(loop)).totals.scored === 201);
      expect((await readScoredKols(harness))[topic]).toEqual(['before', ...names].sort());
      expect((await stateOf(loop)).partitions[0]?.stuck).toBeNull();
    });
  });

  loopTest(
    'gets no score that is too large: its record becomes a dead letter, and the others are scored',
    async ({ topic }) => {
      // As random as a name can be. Other scores fit when they are compressed.
      const long = randomBytes(192).toString('base64url');
      await limit(SCORES_TOPIC, 480);
      await harness.withLoop(topic, async (loop) => {
        await send(topic, [profile('short-1'), profile(long), profile('short-2'), profile('short-3', 1)]);
        await until('all have an outcome', async () => (await outcomeCount(loop)) === 4);
        expect((await stateOf(loop)).totals).toMatchObject({ scored: 3, deadLetters: 1 });
      });
      expect((await readScoredKols(harness))[topic]).toEqual(['short-1', 'short-2', 'short-3']);
      const [letter, ...others] = await readDeadLetters(reader, topic);
      expect(others).toEqual([]);
      expect(letter).toMatchObject({
        reason: 'score_too_large',
        original: { topic, partition: 0, offset: 1 },
      });
      expect(letter?.message).toMatch(/scores\.stream accepts 480 \(max\.message\.bytes\)/);
      expect(await cachedScore(harness.redis, long)).not.toBeNull();
    },
  );

  loopTest(
    'whose settings the loop may not read gets smaller batches until it accepts them',
    async ({ topic }) => {
      await limit(SCORES_TOPIC, 100_000);
      const showSettings = await hideSettings(SCORES_TOPIC);
      try {
        const names = Array.from({ length: 1000 }, (_, index) => `kol-${String(index).padStart(100, '0')}`);
        await harness.withLoop(topic, async (loop) => {
          await send(
            topic,
            names.map((name) => profile(name)),
          );
          await until('all are scored', async () => (await stateOf(loop)).totals.scored === 1000, 100);
          expect((await stateOf(loop)).totals.deadLetters).toBe(0);
        });
        expect((await readScoredKols(harness))[topic]).toEqual(names);
      } finally {
        await showSettings();
      }
    },
  );

  loopTest('may be the ledger: it gets the outcomes in several records', async ({ topic }) => {
    await limit(LEDGER_TOPIC, 600);
    // Every second record is a dead letter: the ledger has to list each offset.
    const count = 200;
    await harness.withLoop(topic, async (loop) => {
      await send(
        topic,
        Array.from({ length: count }, (_, index) =>
          index % 2 === 0 ? profile(`kol-${index}`) : { key: 'x', value: 'no JSON', partition: 0 },
        ),
      );
      await until('all have an outcome', async () => (await outcomeCount(loop)) === count);
    });
  });
});

describe('a compacted output topic', { timeout: 120_000 }, () => {
  loopTest('gets the scores, because each has a key', async ({ topic }) => {
    await configure(SCORES_TOPIC, 'cleanup.policy', 'compact');
    await harness.withLoop(topic, async (loop) => {
      await send(topic, [profile('keyed')]);
      await until('it is scored', async () => (await stateOf(loop)).totals.scored === 1);
    });
  });
});

describe.concurrent('a dead-letter topic', { timeout: 120_000 }, () => {
  loopTest(
    'that accepts small batches only gets a letter without its value, which is then in the input topic only',
    async ({ topic }) => {
      await limit(`${topic}.dlq`, 2000);
      const value = randomBytes(5000);
      await harness.withLoop(topic, async (loop) => {
        await send(topic, [
          { key: 'large', value, partition: 0 },
          { key: 'small', value: 'no JSON', partition: 0 },
          profile('well'),
          { key: 'large', value, partition: 0, headers: { source: 'scraper-7' } },
        ]);
        await until('all have an outcome', async () => (await outcomeCount(loop)) === 4);
      });
      const letters = await readDeadLetters(reader, topic);
      expect(letters.map(({ value: kept, leftOutBytes }) => [kept?.length ?? null, leftOutBytes])).toEqual([
        [null, 5000],
        ['no JSON'.length, null],
        [null, 5000],
      ]);
    },
  );

  loopTest(
    'that refuses even that holds only its partition, which says what to change',
    async ({ topic }) => {
      await limit(`${topic}.dlq`, 300);
      await harness.withLoop(topic, async (loop) => {
        await send(topic, [{ key: 'bad', value: 'no JSON', partition: 0 }, profile('other-partition', 1)]);
        await until('partition 0 is stuck', async () => (await stateOf(loop)).partitions[0]?.stuck != null);
        expect((await stateOf(loop)).partitions[0]?.stuck?.reason).toMatch(
          new RegExp(`${topic}\\.dlq accepts 300 .*raise max\\.message\\.bytes`),
        );
        await until(
          'partition 1 is scored',
          async () => (await stateOf(loop)).partitions[1]?.totals.scored === 1,
        );
        await limit(`${topic}.dlq`, 10_000);
        await until('partition 0 goes on', async () => (await outcomeCount(loop)) === 2);
      });
    },
  );

  loopTest(
    'that is compacted holds the partition of a record without a key, and says what to change',
    async ({ topic }) => {
      await configure(`${topic}.dlq`, 'cleanup.policy', 'compact');
      await harness.withLoop(topic, async (loop) => {
        await send(topic, [{ value: 'no JSON', partition: 0 }, profile('other-partition', 1)]);
        await until('partition 0 is stuck', async () => (await stateOf(loop)).partitions[0]?.stuck != null);
        expect((await stateOf(loop)).partitions[0]?.stuck?.reason).toContain(
          'set its cleanup.policy to delete',
        );
        await configure(`${topic}.dlq`, 'cleanup.policy', 'delete');
        await until('both partitions are done', async () => (await outcomeCount(loop)) === 2);
      });
    },
  );
});
