import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import { stackPaths, testStackFolder } from '../../engines/paths.ts';

/** Bytes of a batch before its records, which may be compressed: https://kafka.apache.org/documentation/#recordbatch */
export const BATCH_HEADER_BYTES = 61;
const LENGTH_AT = 8;
const LENGTH_COUNTS_FROM = 12;

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
  const lengthAt = (start: number) => LENGTH_COUNTS_FROM + bytes.readInt32BE(start + LENGTH_AT);
  let start = 0;
  for (let before = 0; before < index; before += 1) start += lengthAt(start);
  const batch = bytes.subarray(start, start + lengthAt(start));
  damage(batch);
  const file = await open(path, 'r+');
  try {
    await file.write(batch, 0, batch.length, start);
  } finally {
    await file.close();
  }
}
