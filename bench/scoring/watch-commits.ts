import { EventEmitter, once } from 'node:events';
import type { Kafka } from 'kafkajs';
import { createOffsets } from '../../clients/kafka/offsets.ts';
import { createRecordReader } from '../../clients/kafka/record-reader.ts';
import { LEDGER_TOPIC } from '../../domain/scoring/output-record.ts';

/** The committed micro-batches, as a read-committed reader of the ledger sees them. */
export interface CommitWatch {
  /** Number of offsets of a topic that were committed since the watch began. */
  count(topic: string, partitions?: (partition: number) => boolean): number;
  /** Waits until the count of a topic has reached a number. @returns when it was seen, as of `performance.now()` */
  reach(topic: string, count: number): Promise<number>;
  close(): Promise<void>;
}

/** The fields of a ledger record that are needed here. Those of a seek are missing. */
interface LedgerEntry {
  readonly topic: string;
  readonly partition: number;
  readonly from?: number;
  readonly to?: number;
}

/** No run takes that long without a commit. */
const STALL_MS = 60_000;
const MAX_OFFSETS = 10_000;

/**
 * Watches the ledger, which has one record for each micro-batch, committed with it. A long poll sees it within milliseconds. The state of
 * the loop would be too old, and polling the committed offsets would be more work for Kafka.
 */
export async function watchCommits(kafka: Kafka): Promise<CommitWatch> {
  const reader = createRecordReader(kafka);
  const counts = new Map<string, Map<number, number>>();
  const commits = new EventEmitter();
  const closing = new AbortController();
  let offset = await endOfLedger(kafka);
  let seenAt = 0;

  const add = ({ topic, partition, from, to }: LedgerEntry) => {
    if (from === undefined || to === undefined) return;
    const ofTopic = counts.get(topic) ?? new Map<number, number>();
    counts.set(topic, ofTopic.set(partition, (ofTopic.get(partition) ?? 0) + to - from));
  };
  const watch = async () => {
    while (!closing.signal.aborted) {
      const from = { topic: LEDGER_TOPIC, partition: 0, offset };
      await reader.waitForRecords(from, closing.signal);
      const { records, to } = await reader.read(from, MAX_OFFSETS);
      offset = to;
      if (records.length === 0) continue;
      seenAt = performance.now();
      for (const { value } of records) add(JSON.parse(String(value)) as LedgerEntry);
      commits.emit('commit');
    }
  };
  const watching = watch();
  watching.catch((error: unknown) => commits.emit('error', error));

  const count: CommitWatch['count'] = (topic, isCounted = () => true) =>
    [...(counts.get(topic) ?? [])].reduce((sum, [partition, n]) => sum + (isCounted(partition) ? n : 0), 0);
  return {
    count,
    async reach(topic, wanted) {
      while (count(topic) < wanted)
        await once(commits, 'commit', { signal: AbortSignal.timeout(STALL_MS) }).catch((cause: unknown) => {
          throw new Error(`${topic}: ${count(topic)} of ${wanted} offsets committed, then none`, { cause });
        });
      return seenAt;
    },
    async close() {
      closing.abort();
      await watching;
      await reader.close();
    },
  };
}

async function endOfLedger(kafka: Kafka): Promise<number> {
  const offsets = createOffsets(kafka);
  const { high } = await offsets.ends(LEDGER_TOPIC, 0);
  await offsets.close();
  return high;
}
