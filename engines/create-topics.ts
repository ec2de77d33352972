import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';

const LOOK_EVERY_MS = 25;
const MAX_WAIT_MS = 30_000;

/**
 * Creates topics, and waits until the leaders of all their partitions answer. With `waitForLeaders` kafkajs fails when the broker does not
 * know a topic at its first look, and returns before a leader answers.
 * @throws Error when one does not answer after 30 s
 */
export async function createTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics: [...topics], waitForLeaders: false });
  const deadline = Date.now() + MAX_WAIT_MS;
  for (const { topic, numPartitions = 1 } of topics) {
    while (!(await hasLeaders(admin, topic, numPartitions))) {
      if (Date.now() > deadline) throw new Error(`${topic} has no leader after ${MAX_WAIT_MS / 1000} s`);
      await sleep(LOOK_EVERY_MS);
    }
  }
}

async function hasLeaders(admin: Admin, topic: string, partitions: number): Promise<boolean> {
  // Only the leader of a partition knows its offsets. The request fails until the broker knows the topic.
  const offsets = await admin.fetchTopicOffsets(topic).catch(() => []);
  return offsets.length >= partitions;
}
