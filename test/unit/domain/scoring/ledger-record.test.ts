import { expect, test } from 'vitest';
import { ledgerRecord } from '../../../../domain/scoring/output-record.ts';

test('the ledger lists the offsets of each outcome as sorted [first, last] spans', () => {
  const { key, value } = ledgerRecord(
    { topic: 'kol.profiles.raw', partition: 3, from: 1, to: 9 },
    { scored: [7, 1, 2, 3], dropped: [4], superseded: [5, 6], deadLetters: [] },
    { worker: 'host/1', attempt: 2, modelVersion: 'v1', phases: { read: 5 } },
  );
  expect(key).toBe('kol.profiles.raw/3');
  expect(JSON.parse(value as string)).toEqual({
    topic: 'kol.profiles.raw',
    partition: 3,
    from: 1,
    to: 9,
    scored: [
      [1, 3],
      [7, 7],
    ],
    dead_letters: [],
    superseded: [[5, 6]],
    dropped: [[4, 4]],
    model_version: 'v1',
    worker: 'host/1',
    attempt: 2,
    phases_ms: { read: 5 },
  });
});
