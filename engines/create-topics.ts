import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';

const LOOK_EVERY_MS = 25;
const MAX_WAIT_MS = 30_000;

/**
 * Creates topics, and waits until all their partitions have a leader. With `waitForLeaders` kafkajs does so too, but fails when the broker
 * does not know a topic at its first look.
 * @throws Error when a partition has no leader after 30 s
 */
export async function createTopics(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics: [...topics], waitForLeaders: false });
  const deadline = Date.now() + MAX_WAIT_MS;
  while (!(await haveLeaders(admin, topics))) {
    if (Date.now() > deadline)
      throw new Error(
        `no leader after ${MAX_WAIT_MS / 1000} s: ${topics.map(({ topic }) => topic).join(', ')}`,
      );
    await sleep(LOOK_EVERY_MS);
  }
}

async function haveLeaders(admin: Admin, topics: readonly ITopicConfig[]): Promise<boolean> {
  const names = topics.map(({ topic }) => topic);
  // The request fails until the broker knows the topics.
  const found = await admin.fetchTopicMetadata({ topics: names }).catch(() => ({ topics: [] }));
  return topics.every(({ topic, numPartitions = 1 }) => {
    const partitions = found.topics.find(({ name }) => name === topic)?.partitions ?? [];
    return partitions.length >= numPartitions && partitions.every(({ leader }) => leader >= 0);
  });
}
