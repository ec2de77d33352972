import { describe, expect, test } from 'vitest';
import { deadLetter, ok } from '../../../../domain/scoring/parse-outcome.ts';
import { keepNewest } from '../../../../domain/scoring/keep-newest.ts';

const event = (id: string, event_time_ms: number) => ({ id, event_time_ms });
const keep = (events: [offset: number, id: string, time: number][], watermark: number | null = null) =>
  keepNewest(
    events.map(([offset, id, time]) => ({ offset, outcome: ok(event(id, time)) })),
    ({ id }) => id,
    watermark,
  );

describe('keeping the newest events of a range', () => {
  test('keeps the newest event of each KOL; the others are superseded', () => {
    const { newest, superseded } = keep([
      [1, 'a', 10],
      [2, 'b', 10],
      [3, 'a', 30],
      [4, 'a', 20],
    ]);
    expect(newest.map(({ offset }) => offset)).toEqual([2, 3]);
    expect(superseded).toEqual([1, 4]);
  });

  test('with equal event times the higher offset is newer', () => {
    expect(
      keep([
        [1, 'a', 10],
        [2, 'a', 10],
      ]),
    ).toMatchObject({ newest: [{ offset: 2 }], superseded: [1] });
  });

  test('an event older than the watermark is late and supersedes nothing', () => {
    const kept = keep(
      [
        [1, 'a', 100],
        [2, 'a', 40],
        [3, 'b', 49],
        [4, 'c', 50],
      ],
      50,
    );
    expect(kept.newest.map(({ offset }) => offset)).toEqual([1, 4]);
    expect(kept.late).toEqual([2, 3]);
    expect(kept.maxEventTimeMs).toBe(100);
  });

  test('every record has exactly one outcome', () => {
    const kept = keepNewest(
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
      ...kept.newest.map(({ offset }) => offset),
      ...kept.deadLetters.map(({ offset }) => offset),
      ...kept.late,
      ...kept.superseded,
    ];
    expect(all.sort((a, b) => a - b)).toEqual([1, 2, 5, 9]);
  });
});
