import { setTimeout as sleep } from 'node:timers/promises';
import { createTransactions } from '../../clients/kafka/transactions.ts';
import { configureLoopUpdate, resumeLoopUpdate } from '../../contract/messages.ts';
import { PROFILES_TOPIC, transactionalIdOf } from '../../domain/scoring/topics.ts';
import { median } from '../figures.ts';
import { collectBacklog } from './run-backlog.ts';
import { ML_LATENCY_MS, type Scoring } from './start-scoring.ts';

const ROUNDS = 3;
const WINDOW_MS = 10_000;
const SETTLE_MS = 3000;
/** More than the model scores meanwhile. */
const BACKLOG = 60_000;
const STUCK_PARTITION = 0;
/** Small batches, so that a window holds many commits. */
const MAX_OFFSETS = 50;
const FENCE_EVERY_MS = 100;

/** The rate of the other partitions while one is stuck, and the model is the limit. Somebody else takes its transactional id again and again. */
export async function measureStuckPartition(scoring: Scoring): Promise<void> {
  const { loop, commits, setMlFaults } = scoring;
  await setMlFaults({ batch: false });
  await collectBacklog(scoring, BACKLOG);
  await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: MAX_OFFSETS }] });
  await loop.executeUpdate(resumeLoopUpdate);
  const count = (isStuck: boolean) =>
    commits.count(PROFILES_TOPIC, (partition) => (partition === STUCK_PARTITION) === isStuck);
  const window = async () => {
    await sleep(SETTLE_MS);
    const before = [count(false), count(true)] as const;
    await sleep(WINDOW_MS);
    return { others: count(false) - before[0], stuck: count(true) - before[1] };
  };
  const rounds: { before: number; during: number; stuck: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { others: before } = await window();
    const release = holdPartition(scoring);
    const { others: during, stuck } = await window();
    await release();
    console.log(`others ${before} before, ${during} while one is stuck, which committed ${stuck}`);
    rounds.push({ before, during, stuck });
  }
  scoring.figure({
    what: `one of 6 partitions is stuck, single calls of ${ML_LATENCY_MS} ms: events of the others in ${WINDOW_MS / 1000} s (median of ${ROUNDS})`,
    value: String(median(rounds.map(({ during }) => during))),
    against: `${median(rounds.map(({ before }) => before))} before; goal ≥ 0.9 of it. The stuck one: ${median(rounds.map(({ stuck }) => stuck))}`,
    ratio: median(rounds.map(({ before, during }) => during / before)),
  });
  await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 1000 }] });
}

/** Fences the slices of a partition again and again. @returns a function that ends it */
function holdPartition({ kafka }: Scoring): () => Promise<void> {
  const transactions = createTransactions(kafka);
  const id = transactionalIdOf('kol-scoring', PROFILES_TOPIC, STUCK_PARTITION);
  let held = true;
  const hold = async () => {
    while (held) {
      const producer = await transactions.open(id).catch(() => undefined); // a slice was faster
      await producer?.close();
      await sleep(FENCE_EVERY_MS);
    }
  };
  const holding = hold();
  return async () => {
    held = false;
    await holding;
    await transactions.close();
  };
}
