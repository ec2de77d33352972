import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WorkflowUpdateStage } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pauseLoopUpdate } from '../../../contract/messages.ts';
import { createMlService } from '../../../simulators/ml-service/server.ts';
import { event, loopHarness, type LoopHarness } from '../../support/loop-harness.ts';
import { until } from '../../support/until.ts';

const PARTITIONS = 2;
const EVENTS = 3; // of each partition

/** A model that answers when it is released. */
async function startHeldModel() {
  const model = createMlService({ latencyMs: 1 });
  let waiting = 0;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const server = createServer((request, response) => {
    waiting += 1;
    void released.then(() => model.emit('request', request, response));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting: () => waiting,
    release: () => release(),
    async stop() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

let model: Awaited<ReturnType<typeof startHeldModel>>;
let harness: LoopHarness;
beforeAll(async () => {
  model = await startHeldModel();
  harness = await loopHarness(12, { env: { ML_API_URL: model.url } });
});
afterAll(() => Promise.all([harness.close(), model.stop()]));

test('pause answers when the batches in flight are committed, and no slice runs any more', async () => {
  const topic = await harness.newTopic(PARTITIONS);
  const committed = async () => {
    const groupId = harness.config.SCORING_GROUP;
    const [offsets] = await harness.admin.fetchOffsets({ groupId, topics: [topic] });
    return offsets?.partitions.map(({ offset }) => Number(offset)).sort();
  };
  await harness.withLoop(
    topic,
    async (loop) => {
      const messages = Array.from({ length: PARTITIONS * EVENTS }, (_, index) => ({
        ...event('profiles', `k-${index}`),
        partition: index % PARTITIONS,
      }));
      await harness.producer.send({ topic, messages });
      await until('a batch of each partition is at the model', () =>
        Promise.resolve(model.waiting() >= PARTITIONS),
      );
      expect(await committed()).toEqual([0, 0]);
      const pausing = await loop.startUpdate(pauseLoopUpdate, {
        waitForStage: WorkflowUpdateStage.ACCEPTED,
      });
      model.release();
      const { state, partitions } = await pausing.result();
      const [inKafka, { raw }] = await Promise.all([committed(), loop.describe()]);
      expect(state).toBe('paused');
      expect(inKafka).toEqual([EVENTS, EVENTS]);
      expect(partitions.map(({ position }) => position)).toEqual([EVENTS, EVENTS]);
      expect(raw.pendingActivities).toHaveLength(0);
    },
    { settings: { trigger: 'available', sliceSeconds: 600 } },
  );
});
