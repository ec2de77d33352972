import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keepNewest, type Lateness } from '../../../../domain/scoring/keep-newest.ts';
import type { ParseOutcome } from '../../../../domain/scoring/parse-event.ts';
import type { LogRecord } from '../../../../domain/kafka-record.ts';
import { logRecord } from '../../../support/log-record.ts';
import { accountOf, parseProfileEvent } from '../../../../domain/scoring/parse-profile-event.ts';

type Outcome = ParseOutcome<ReturnType<typeof event>>;
const ok = (value: ReturnType<typeof event>): Outcome => ({ kind: 'ok', value });
const BROKEN: Outcome = { kind: 'deadLetter', reason: 'not_json', detail: 'x' };
const event = (id: string, event_time_ms: number) => ({ id, event_time_ms });
const MINUTE = 60_000;
const NOW_MS = 100 * MINUTE;
const IN_TIME: Lateness = { newestEventMs: null, lateEvents: 'score', nowMs: NOW_MS };
const keep = (events: [offset: number, id: string, time: number][], lateness: Partial<Lateness> = {}) =>
  keepOutcomes(new Map(events.map(([offset, id, time]) => [offset, ok(event(id, time))])), {
    ...IN_TIME,
    ...lateness,
  });

/** @param outcomes of the parse, by offset */
const keepOutcomes = (outcomes: ReadonlyMap<number, Outcome>, lateness: Lateness) =>
  keepNewest(
    [...outcomes.keys()].map((offset) => logRecord(offset)),
    ({ offset }) => outcomes.get(offset) ?? BROKEN,
    ({ id }) => id,
    lateness,
  );
const offsetsOf = (list: readonly { readonly record: LogRecord }[]) =>
  list.map(({ record }) => record.offset);

describe('keeping the newest events of a batch', () => {
  test('keeps the newest event of each KOL; the others are superseded', () => {
    const { newest, superseded } = keep([
      [1, 'a', 10],
      [2, 'b', 10],
      [3, 'a', 30],
      [4, 'a', 20],
    ]);
    expect(offsetsOf(newest)).toEqual([2, 3]);
    expect(superseded).toEqual([1, 4]);
  });

  test('with equal event times the higher offset is newer', () => {
    expect(
      keep([
        [1, 'a', 10],
        [2, 'a', 10],
      ]),
    ).toMatchObject({ newest: [{ record: { offset: 2 } }], superseded: [1] });
  });

  const events: [number, string, number][] = [
    [1, 'a', 60 * MINUTE],
    [2, 'a', 40 * MINUTE],
    [3, 'b', 55 * MINUTE - 1],
    [4, 'c', 55 * MINUTE],
  ];

  test('an event that is more than 5 minutes older than the newest of its partition is late, and kept', () => {
    const kept = keep(events, { newestEventMs: 60 * MINUTE });
    expect(kept.newest.map(({ record, late }) => [record.offset, late])).toEqual([
      [1, false],
      [3, true],
      [4, false],
    ]);
    expect(kept.superseded).toEqual([2]);
    expect(kept.newestEventMs).toBe(60 * MINUTE);
  });

  test('late events are left out when the settings say so, and supersede nothing', () => {
    const kept = keep(events, { newestEventMs: 60 * MINUTE, lateEvents: 'drop' });
    expect(offsetsOf(kept.newest)).toEqual([1, 4]);
    expect(kept.dropped).toEqual([2, 3]);
  });

  // Finding 19: one scraper whose clock is ahead would make the events of all others late.
  test('the watermark is never ahead of the clock of the worker', () => {
    expect(keep([[1, 'a', NOW_MS + 4 * MINUTE]]).newestEventMs).toBe(NOW_MS);
  });

  test('the watermark that a worker with a clock ahead has committed is not ahead of the clock of the next one', () => {
    const kept = keep([[1, 'a', NOW_MS - 4 * MINUTE]], { newestEventMs: NOW_MS + 60 * MINUTE });
    expect(kept.newest.map(({ late }) => late)).toEqual([false]);
    expect(kept.newestEventMs).toBe(NOW_MS);
  });

  test('every record has exactly one outcome, and no kept event has a newer one of its id', () => {
    const record = fc.record({
      id: fc.constantFrom('a', 'b'),
      time: fc.nat({ max: 9 }),
      broken: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(record), fc.option(fc.nat({ max: 9 })), (records, newestMinutes) => {
        const outcomes = records.map(({ id, time, broken }) =>
          broken ? BROKEN : ok(event(id, time * MINUTE)),
        );
        const newestEventMs = newestMinutes === null ? null : newestMinutes * MINUTE;
        const lateness: Lateness = { ...IN_TIME, newestEventMs, lateEvents: 'drop' };
        const kept = keepOutcomes(new Map(outcomes.entries()), lateness);
        const offsets = [kept.newest, kept.deadLetters].flatMap((list) => offsetsOf(list));
        const all = [...offsets, ...kept.dropped, ...kept.superseded].sort((a, b) => a - b);
        expect(all).toEqual(records.map((_, offset) => offset));
        for (const {
          record: { offset },
          event: newest,
        } of kept.newest)
          for (const other of [...kept.superseded, ...offsets].flatMap((at) => records[at] ?? []))
            if (!other.broken && other.id === newest.id) {
              expect(other.time * MINUTE).toBeLessThanOrEqual(newest.event_time_ms);
              expect(records.lastIndexOf(other) <= offset || other.time * MINUTE < newest.event_time_ms).toBe(
                true,
              );
            }
      }),
    );
  });
});

describe('the newest profile events', () => {
  const NOW = Date.parse('2026-01-02T03:04:05.000Z');
  const keepProfiles = (events: object[]) =>
    keepNewest(
      events.map((fields, offset) => {
        const value = Buffer.from(JSON.stringify({ platform: 'tiktok', event_time: NOW, ...fields }));
        return logRecord(offset, { value, timestampMs: NOW });
      }),
      parseProfileEvent,
      accountOf,
      { ...IN_TIME, nowMs: NOW },
    );

  test('the same name on two platforms is two accounts', () => {
    const { newest, superseded } = keepProfiles([
      { username: 'ana', platform: 'tiktok' },
      { username: 'ana', platform: 'twitter' },
      { username: '@ana', platform: 'TikTok' },
    ]);
    expect(offsetsOf(newest)).toEqual([1, 2]);
    expect(superseded).toEqual([0]);
  });

  // Scrapers send an event again when they saw no acknowledgement.
  test('of the same event sent several times, the last copy stays', () => {
    const copy = { username: 'ana', event_id: 'e1', event_time: NOW - 1000 };
    const { newest, superseded } = keepProfiles([copy, copy, { username: 'bo' }, copy]);
    expect(offsetsOf(newest)).toEqual([2, 3]);
    expect(superseded).toEqual([0, 1]);
  });
});
