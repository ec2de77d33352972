import pLimit from 'p-limit';
import { beforeAll, describe, expect, test } from 'vitest';
import { createKafkaClient } from '../../clients/kafka/client.ts';
import { createTransactions } from '../../clients/kafka/transactions.ts';
import { LEDGER_TOPIC } from '../../domain/scoring/output-record.ts';
import type { CheckResult } from './check-exactly-once.ts';
import type { Point } from './fault-points.ts';
import { runWithHang, type HangCase, type HangRunResult } from './run-with-hang.ts';
import { useTestBed } from './test-bed.ts';

const points: Point[] = [
  'after-fence',
  'after-offset',
  'after-read',
  'after-model',
  'after-cache',
  'before-add-partitions',
  'before-produce',
  'before-txn-offset-commit',
  'before-end-txn',
  'after-commit',
];
const intactDesign: HangCase[] = [
  ...points.map((point): HangCase => ({ name: `hang-${point}`, point, resumes: 'at the end' })),
  { name: 'race', point: 'before-add-partitions', resumes: 'between fence and offset' },
];
/** The design broken on purpose, and the violations that the check must report. */
const brokenDesign: [hang: HangCase, violations: string[]][] = [
  [
    {
      name: 'broken-order',
      point: 'before-add-partitions',
      resumes: 'between fence and offset',
      sabotage: { successor: 'offset-before-fence' },
    },
    ['range overlaps an earlier one', 'offset with two outcomes', 'score twice in the stream'],
  ],
  [
    {
      name: 'broken-id',
      point: 'before-add-partitions',
      resumes: 'at the end',
      sabotage: { victim: 'random-transactional-id', successor: 'random-transactional-id' },
    },
    ['range overlaps an earlier one', 'offset with two outcomes', 'score twice in the stream'],
  ],
  [
    {
      name: 'broken-guard',
      point: 'after-model',
      resumes: 'at the end',
      sabotage: { victim: 'no-redis-guard' },
    },
    ['value in Redis is too old'],
  ],
];
const PARALLEL_RUNS = 4;

const { engines, bed } = useTestBed();
const results = new Map<string, PromiseSettledResult<HangRunResult>>();
let checks: Map<string, CheckResult>;

beforeAll(async () => {
  const limit = pLimit(PARALLEL_RUNS);
  await Promise.all(
    [...intactDesign, ...brokenDesign.map(([hang]) => hang)].map((hang) =>
      limit(async () => {
        const [result] = await Promise.allSettled([runWithHang(bed(), hang)]);
        results.set(hang.name, result);
      }),
    ),
  );
  checks = await bed().checkRuns(
    [...results.values()].flatMap((result) => (result.status === 'fulfilled' ? [result.value.run] : [])),
  );
});

function resultOf({ name }: HangCase): { hasCommitted: boolean; check: CheckResult | undefined } {
  const result = results.get(name);
  if (result?.status !== 'fulfilled') throw result?.reason ?? new Error('the run did not start');
  return { hasCommitted: result.value.hasCommitted, check: checks.get(result.value.run.topic) };
}

describe('an attempt that hangs and resumes after its retry changes nothing when it hangs', () => {
  test.each(intactDesign.map((hang) => [hang.point, hang.resumes, hang] as const))(
    '%s and resumes %s',
    (point, _resumes, hang) => {
      const { hasCommitted, check } = resultOf(hang);
      expect(check?.violations).toEqual([]);
      // After its commit it has nothing left to do. Before its commit it must not be able to commit.
      expect(hasCommitted).toBe(point === 'after-commit');
    },
  );
});

describe('the check reports violations of a broken design:', () => {
  test.each(brokenDesign.map(([hang, violations]) => [hang.sabotage, violations, hang] as const))(
    '%o',
    (_sabotage, expected, hang) => {
      const { violations = [] } = resultOf(hang).check ?? {};
      console.log(`${hang.name}: ${violations.join('\n  ')}`);
      for (const violation of expected) expect(violations).toContainEqual(expect.stringContaining(violation));
    },
  );
});

test('an attempt that hangs is fenced by a retry in the same process', async () => {
  const kafka = createKafkaClient([engines().addresses.KAFKA_BROKERS], 'chaos-test', () => {});
  const transactions = createTransactions(kafka);
  const output = {
    records: [{ topic: LEDGER_TOPIC, message: { value: '{}' } }],
    ...{ group: 'same-process', topic: LEDGER_TOPIC, partition: 0, offset: 1, metadata: '' },
  };
  const hanging = await transactions.open('same-process');
  const retry = await transactions.open('same-process');
  await expect(hanging.commit(output)).rejects.toThrow();
  await retry.commit(output);
  await transactions.close();
});
