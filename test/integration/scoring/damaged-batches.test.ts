import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HEADER_BYTES } from '../../../clients/kafka/kafkajs/decode-records.ts';
import { seekLoopUpdate } from '../../../contract/messages.ts';
import { damageBatch } from '../../support/damage-batch.ts';
import { event, loopHarness, outcomeCount, stateOf, type LoopHarness } from '../../support/loop-harness.ts';
import { until } from '../../support/until.ts';

const { GZIP, None } = kafkajs.CompressionTypes;
const BATCH = 10;
const BATCHES = 3;
const FIRST_DAMAGED = BATCH; // the offset of the second batch

let harness: LoopHarness;
beforeAll(async () => {
  harness = await loopHarness(11, { latencyMs: 1 });
});
afterAll(() => harness.close());

test('a batch that is damaged on disk stops its partition only, which names the offset and continues after a seek', async () => {
  const topic = await harness.newTopic(3);
  const send = (partition: number, name: string, compression: kafkajs.CompressionTypes) =>
    harness.producer.send({
      ...{ topic, compression },
      messages: Array.from({ length: BATCH }, (_, index) => ({
        ...event('profiles', `${name}-${partition}-${index}`, { followers_count: 1000 }),
        partition,
      })),
    });
  await harness.withLoop(topic, async (loop) => {
    const outcomes = (count: number) =>
      until(`${count} events have an outcome`, async () => (await outcomeCount(loop)) === count);
    for (let batch = 0; batch < BATCHES; batch += 1)
      for (const [partition, compression] of [GZIP, None, GZIP].entries())
        await send(partition, `batch-${batch}`, compression);
    await outcomes(3 * BATCHES * BATCH);

    await damageBatch({ topic, partition: 0 }, 1, (batch) => batch.fill(0xff, HEADER_BYTES + 20));
    // Still an event, with another number.
    await damageBatch({ topic, partition: 1 }, 1, (batch) => {
      batch.write('9000', batch.indexOf('1000'));
    });
    await loop.executeUpdate(seekLoopUpdate, { args: [{ offsets: { 0: 0, 1: 0, 2: 0 } }] });
    // One batch of each damaged partition, and all of the other one.
    await outcomes(3 * BATCHES * BATCH + 2 * BATCH + BATCHES * BATCH);
    const stuckOnes = async () => (await stateOf(loop)).partitions.map(({ stuck }) => stuck?.reason);
    await until(
      'two are stuck',
      async () => {
        const [first, second] = await stuckOnes();
        return first !== undefined && second !== undefined;
      },
      60,
    );
    const reason = (partition: number) =>
      expect.stringContaining(
        `the batch that holds ${topic}/${partition}/${FIRST_DAMAGED} cannot be decoded (its checksum is wrong)`,
      ) as string;
    expect(await stuckOnes()).toEqual([reason(0), reason(1), undefined]);
    await send(2, 'meanwhile', GZIP);
    await outcomes(3 * BATCHES * BATCH + 2 * BATCH + (BATCHES + 1) * BATCH);

    const after = FIRST_DAMAGED + BATCH;
    await loop.executeUpdate(seekLoopUpdate, { args: [{ offsets: { 0: after, 1: after } }] });
    await outcomes(3 * BATCHES * BATCH + 4 * BATCH + (BATCHES + 1) * BATCH);
    await until('none is stuck', async () => (await stuckOnes()).every((each) => each === undefined));
    const { partitions, totals } = await stateOf(loop);
    expect(partitions.map(({ position }) => position)).toEqual([30, 30, 40]);
    expect(totals.deadLetters).toBe(0);
  });
}, 180_000);
