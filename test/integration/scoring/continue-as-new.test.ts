import { WorkflowUpdateStage } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readRange } from '../../../clients/kafka/record-reader.ts';
import { seekLoopUpdate } from '../../../contract/messages.ts';
import { LEDGER_TOPIC } from '../../../domain/scoring/output-record.ts';
import { event, loopHarness, type LoopHandle, type LoopHarness } from '../../support/loop-harness.ts';
import { testRecordReader } from '../../support/scoring-outputs.ts';

const PARTITIONS = 3;
const EVENTS = 10; // of each partition
const QUEUED = 4;

let harness: LoopHarness;
beforeAll(async () => {
  harness = await loopHarness(5, { latencyMs: 1 });
});
afterAll(() => harness.close());

const runOf = async (loop: LoopHandle) => (await loop.describe()).runId;

/** The offsets to which the partition was moved, in the order of the commits. */
async function seeksInLedger(topic: string, partition: number): Promise<number[]> {
  const reader = testRecordReader(harness);
  const seeks: number[] = [];
  const range = { topic: LEDGER_TOPIC, partition: 0, from: 0, to: Infinity };
  for await (const { records } of readRange(reader, range))
    for (const { key, value } of records) {
      if (key?.toString() !== `${topic}/${partition}`) continue;
      const { seek } = JSON.parse(String(value)) as { seek?: { from: number | null; to: number } };
      if (seek?.from != null) seeks.push(seek.to);
    }
  await reader.close();
  return seeks;
}

test('seeks are carried out and answered in order, also while the loop continues as new', async () => {
  const topic = await harness.newTopic(PARTITIONS);
  await harness.withLoop(topic, async (loop) => {
    const messages = Array.from({ length: PARTITIONS * EVENTS }, (_, index) => ({
      ...event('profiles', `k-${index}`),
      partition: index % PARTITIONS,
    }));
    await harness.producer.send({ topic, messages });
    const targets: number[] = [];
    const answered: number[] = [];
    /** Several at once. Each is accepted before the next one is sent: that is their order. */
    const seekSome = async () => {
      const seeks: Promise<unknown>[] = [];
      for (let index = 0; index < QUEUED; index += 1) {
        const number = targets.length;
        const offset = number % EVENTS;
        targets.push(offset);
        const seek = await loop.startUpdate(seekLoopUpdate, {
          args: [{ offsets: { 0: offset } }],
          waitForStage: WorkflowUpdateStage.ACCEPTED,
        });
        seeks.push(seek.result().then(() => answered.push(number)));
      }
      await Promise.all(seeks);
    };
    const first = await runOf(loop);
    while ((await runOf(loop)) === first) await seekSome();
    await seekSome();
    expect(await seeksInLedger(topic, 0)).toEqual(targets);
    expect(answered).toEqual([...targets.keys()]);
  });
});
