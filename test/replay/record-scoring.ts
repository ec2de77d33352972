import type { Client, WorkflowHandle } from '@temporalio/client';
import kafkajs from 'kafkajs';
import {
  configureLoopUpdate,
  loopStateQuery,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
} from '../../contract/messages.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { until } from '../support/until.ts';
import { writeHistory } from './history-file.ts';

const GROUP = 'recorded';
type Loop = WorkflowHandle<Workflows['scoringLoop']>;

/** Records scoringLoop: steering, seeks at the same time, and continue-as-new. */
export async function recordScoring(temporal: Client, brokers: readonly string[]): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  const admin = kafka.admin();
  await Promise.all([producer.connect(), admin.connect()]);
  const send = (count: number) =>
    producer.send({
      topic: PROFILES_TOPIC,
      messages: Array.from({ length: count }, (_, index) => profile(index)),
    });
  const start = (name: string) =>
    temporal.workflow.start<Workflows['scoringLoop']>('scoringLoop', {
      workflowId: `scoring-loop/${name}`,
      taskQueue: SCORING_TASK_QUEUE,
      args: [{ topic: PROFILES_TOPIC, group: GROUP, settings: { trigger: 'available', sliceSeconds: 1 } }],
    });

  const loop = await start('recorded');
  await until('the loop has committed its start', async () => {
    const request = { groupId: GROUP, topics: [PROFILES_TOPIC] };
    const [offsets] = await admin.fetchOffsets(request).catch(() => []);
    return offsets?.partitions.every(({ offset }) => offset !== '-1') ?? false;
  });
  await send(10);
  await counted(loop, 10);
  await loop.executeUpdate(pauseLoopUpdate);
  await send(20);
  await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 20 }] });
  await loop.executeUpdate(resumeLoopUpdate);
  await counted(loop, 30);
  await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] });
  await counted(loop, 60);
  await writeHistory('scoring-loop', loop);
  await loop.terminate('recorded');

  const continued = await start('recorded-continued');
  await Promise.all(
    [1, 2, 3].map(() => continued.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] })),
  );
  // Slices of a second until the server suggests to continue as new.
  const { runId } = await continued.describe();
  await until('it has continued as new', async () => (await continued.describe()).runId !== runId, 120);
  await writeHistory(
    'scoring-loop-continued',
    temporal.workflow.getHandle('scoring-loop/recorded-continued', runId),
  );
  await continued.terminate('recorded');
  await Promise.all([producer.disconnect(), admin.disconnect()]);
}

const counted = (loop: Loop, records: number) =>
  until(`${records} records are counted`, async () => {
    const { totals } = await loop.query(loopStateQuery);
    return totals.records >= records;
  });

const profile = (index: number) => ({
  key: `kol-${index}`,
  value: JSON.stringify({
    event_type: 'profile',
    platform: 'tiktok',
    username: `kol-${index}`,
    event_time: new Date().toISOString(),
  }),
});
