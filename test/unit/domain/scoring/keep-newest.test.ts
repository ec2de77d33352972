import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deadLetter, ok } from '../../../../domain/scoring/parse-outcome.ts';
import { keepNewest } from '../../../../domain/scoring/keep-newest.ts';
import { accountOf, parseProfileEvent } from '../../../../domain/scoring/parse-profile-event.ts';

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

  test('every record has exactly one outcome, and the newest of an id is the one that no other is newer than', () => {
    const record = fc.record({
      id: fc.constantFrom('a', 'b'),
      time: fc.nat({ max: 9 }),
      broken: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(record), fc.option(fc.nat({ max: 9 })), (records, watermark) => {
        const parsed = records.map(({ id, time, broken }, offset) => ({
          offset,
          outcome: broken ? deadLetter('not_json', 'x') : ok(event(id, time)),
        }));
        const kept = keepNewest(parsed, ({ id }) => id, watermark);
        const offsets = [kept.newest, kept.deadLetters].flatMap((list) => list.map(({ offset }) => offset));
        const all = [...offsets, ...kept.late, ...kept.superseded].sort((a, b) => a - b);
        expect(all).toEqual(records.map((_, offset) => offset));
        for (const { offset, event: newest } of kept.newest)
          for (const other of [...kept.superseded, ...offsets].flatMap((at) => records[at] ?? []))
            if (!other.broken && other.id === newest.id) {
              expect(other.time).toBeLessThanOrEqual(newest.event_time_ms);
              expect(records.lastIndexOf(other) <= offset || other.time < newest.event_time_ms).toBe(true);
            }
      }),
    );
  });
});

describe('the newest profile events', () => {
  const NOW = Date.parse('2026-01-02T03:04:05.000Z');
  const keepProfiles = (events: object[]) =>
    keepNewest(
      events.map((fields, offset) => ({
        offset,
        outcome: parseProfileEvent(
          {
            key: null,
            value: Buffer.from(JSON.stringify({ platform: 'tiktok', event_time: NOW, ...fields })),
            timestampMs: NOW,
          },
          NOW,
        ),
      })),
      accountOf,
      null,
    );

  test('the same name on two platforms is two accounts', () => {
    const { newest, superseded } = keepProfiles([
      { username: 'ana', platform: 'tiktok' },
      { username: 'ana', platform: 'twitter' },
      { username: '@ana', platform: 'TikTok' },
    ]);
    expect(newest.map(({ offset }) => offset)).toEqual([1, 2]);
    expect(superseded).toEqual([0]);
  });

  // Scrapers send an event again when they saw no acknowledgement.
  test('of the same event sent several times, the last copy stays', () => {
    const copy = { username: 'ana', event_id: 'e1', event_time: NOW - 1000 };
    const { newest, superseded } = keepProfiles([copy, copy, { username: 'bo' }, copy]);
    expect(newest.map(({ offset }) => offset)).toEqual([2, 3]);
    expect(superseded).toEqual([0, 1]);
  });
});
