import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKafkaClient } from '../../clients/kafka/client.ts';
import { createTransactions } from '../../clients/kafka/transactions.ts';
import { LEDGER_TOPIC } from '../../domain/scoring/topics.ts';
import { createBench, type Bench } from './bench.ts';
import { startChaosEngines, type ChaosEngines } from './chaos-engines.ts';
import type { Account } from './check-accounting.ts';
import { hang, type Hang, type HangResult } from './hang.ts';
import type { Point } from './points.ts';

const points: Point[] = [
  'after-fence',
  'after-position',
  'after-read',
  'after-model',
  'after-cache',
  'before-add-partitions',
  'before-produce',
  'before-txn-offset-commit',
  'before-end-txn',
  'after-commit',
];
const sound: Hang[] = [
  ...points.map((point): Hang => ({ name: `hang-${point}`, point, wakes: 'at the end' })),
  { name: 'race', point: 'before-add-partitions', wakes: 'between fence and position' },
];
/** The design broken on purpose, and what the checker has to say to that. */
const broken: [hang: Hang, complaints: string[]][] = [
  [
    {
      name: 'broken-order',
      point: 'before-add-partitions',
      wakes: 'between fence and position',
      sabotage: { successor: 'position-before-fence' },
    },
    ['range overlaps an earlier one', 'offset with two outcomes', 'score twice in the stream'],
  ],
  [
    {
      name: 'broken-id',
      point: 'before-add-partitions',
      wakes: 'at the end',
      sabotage: { victim: 'random-transactional-id', successor: 'random-transactional-id' },
    },
    ['range overlaps an earlier one', 'offset with two outcomes', 'score twice in the stream'],
  ],
  [
    {
      name: 'broken-guard',
      point: 'after-model',
      wakes: 'at the end',
      sabotage: { victim: 'no-redis-guard' },
    },
    ['Redis has something older'],
  ],
];
const AT_ONCE = 4;

let engines: ChaosEngines;
let bench: Bench;
const results = new Map<string, PromiseSettledResult<HangResult>>();
let accounts: Map<string, Account>;

beforeAll(async () => {
  engines = await startChaosEngines();
  bench = await createBench(engines.addresses);
  const limit = pLimit(AT_ONCE);
  await Promise.all(
    [...sound, ...broken.map(([one]) => one)].map((one) =>
      limit(async () => {
        const [result] = await Promise.allSettled([hang(bench, one)]);
        results.set(one.name, result);
      }),
    ),
  );
  accounts = await bench.accounts(
    [...results.values()].flatMap((run) => (run.status === 'fulfilled' ? [run.value.arena] : [])),
  );
});
afterAll(async () => {
  await bench?.close();
  await engines?.stop();
});

function resultOf({ name }: Hang): { ending: string; account: Account | undefined } {
  const run = results.get(name);
  if (run?.status !== 'fulfilled') throw run?.reason ?? new Error('it never ran');
  return { ending: run.value.ending, account: accounts.get(run.value.arena.topic) };
}

describe('an attempt that hung and wakes after its retry changes nothing when it hung', () => {
  test.each(sound.map((one) => [one.point, one.wakes, one] as const))(
    '%s and woke %s',
    (point, _wakes, one) => {
      const { ending, account } = resultOf(one);
      expect(account?.violations).toEqual([]);
      // After its commit it had nothing left to do wrong; before, it must not have committed.
      if (point === 'after-commit') expect(ending).toContain('committed');
      else expect(ending).not.toContain('committed');
    },
  );
});

describe('the checker notices', () => {
  test.each(broken.map(([one, complaints]) => [one.sabotage, complaints, one] as const))(
    '%o',
    (_sabotage, complaints, one) => {
      const { violations = [] } = resultOf(one).account ?? {};
      console.log(`${one.name}: ${violations.join('\n  ')}`);
      for (const complaint of complaints)
        expect(violations).toContainEqual(expect.stringContaining(complaint));
    },
  );
});

test('an attempt that hangs loses its producer to a retry in the same process', async () => {
  const kafka = createKafkaClient([engines.addresses.KAFKA_BROKERS], 'chaos-test', () => {});
  const transactions = createTransactions(kafka);
  const output = {
    records: [{ topic: LEDGER_TOPIC, messages: [{ value: '{}' }] }],
    ...{ group: 'same-process', topic: LEDGER_TOPIC, partition: 0, offset: 1, metadata: '' },
  };
  const hanging = await transactions.begin('same-process');
  const retry = await transactions.begin('same-process');
  expect(retry.fresh).toBe(true);
  await expect(hanging.commit(output)).rejects.toThrow();
  await retry.commit(output);
  await transactions.close();
});
