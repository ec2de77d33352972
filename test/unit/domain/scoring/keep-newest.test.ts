import { describe, expect, test } from 'vitest';
import { deadLetter, ok } from '../../../../domain/scoring/parse-outcome.ts';
import { spans } from '../../../../domain/scoring/output-records.ts';
import { keepNewest } from '../../../../domain/scoring/keep-newest.ts';

const event = (id: string, event_time_ms: number) => ({ id, event_time_ms });
const sort = (events: [offset: number, id: string, time: number][], watermark: number | null = null) =>
  keepNewest(
    events.map(([offset, id, time]) => ({ offset, outcome: ok(event(id, time)) })),
    ({ id }) => id,
    watermark,
  );

describe('sorting the records of a range', () => {
  test('the newest event of each KOL goes on, the others are superseded', () => {
    const { newest, superseded } = sort([
      [1, 'a', 10],
      [2, 'b', 10],
      [3, 'a', 30],
      [4, 'a', 20],
    ]);
    expect(newest.map(({ offset }) => offset)).toEqual([2, 3]);
    expect(superseded).toEqual([1, 4]);
  });

  test('of two events of the same time the later offset is newer', () => {
    expect(
      sort([
        [1, 'a', 10],
        [2, 'a', 10],
      ]),
    ).toMatchObject({ newest: [{ offset: 2 }], superseded: [1] });
  });

  test('an event older than the watermark is late and supersedes nothing', () => {
    const sorted = sort(
      [
        [1, 'a', 100],
        [2, 'a', 40],
        [3, 'b', 49],
        [4, 'c', 50],
      ],
      50,
    );
    expect(sorted.newest.map(({ offset }) => offset)).toEqual([1, 4]);
    expect(sorted.late).toEqual([2, 3]);
    expect(sorted.maxEventTimeMs).toBe(100);
  });

  test('every record is under exactly one heading', () => {
    const sorted = keepNewest(
      [
        { offset: 1, outcome: deadLetter('not_json', 'x') },
        { offset: 2, outcome: ok(event('a', 10)) },
        { offset: 5, outcome: ok(event('a', 11)) },
        { offset: 9, outcome: ok(event('b', 1)) },
      ],
      ({ id }) => id,
      5,
    );
    const all = [
      ...sorted.newest.map(({ offset }) => offset),
      ...sorted.deadLetters.map(({ offset }) => offset),
      ...sorted.late,
      ...sorted.superseded,
    ];
    expect(all.sort((a, b) => a - b)).toEqual([1, 2, 5, 9]);
  });
});

test('offsets are written as spans', () => {
  expect(spans([7, 1, 2, 3])).toEqual([
    [1, 3],
    [7, 7],
  ]);
  expect(spans([])).toEqual([]);
});
