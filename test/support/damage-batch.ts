import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { firstBatch } from '../../clients/kafka/kafkajs/decode-records.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import { stackPaths, testStackFolder } from '../../engines/paths.ts';

/** The first log file of a partition, where the broker of the tests keeps it. */
export const segmentFile = ({ topic, partition }: TopicPartition): string =>
  join(
    stackPaths(testStackFolder).data('kafka'),
    ...['log', `${topic}-${partition}`, '00000000000000000000.log'],
  );

/**
 * Overwrites bytes of a batch on the disk of the broker, which does not check the batches that it serves.
 * @param index 0 for the first batch
 * @param damage changes the bytes of the batch in place
 */
export async function damageBatch(
  partition: TopicPartition,
  index: number,
  damage: (batch: Buffer) => void,
): Promise<void> {
  const path = segmentFile(partition);
  const bytes = await readFile(path);
  let [start, batch] = [0, batchAt(bytes, 0)];
  for (let before = 0; before < index; before += 1) {
    start += batch.length;
    batch = batchAt(bytes, start);
  }
  damage(batch);
  const file = await open(path, 'r+');
  try {
    await file.write(batch, 0, batch.length, start);
  } finally {
    await file.close();
  }
}

function batchAt(bytes: Buffer, start: number): Buffer {
  const batch = firstBatch(bytes.subarray(start));
  if (batch === undefined) throw new Error('the log has no such batch');
  return batch;
}
