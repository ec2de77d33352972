import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CountedProfile } from '../../../../domain/warming/hot-profiles.ts';
import {
  forecastReads,
  hourOfDay,
  hourReads,
  hoursAhead,
  HOURLY_HALF_LIFE_SECONDS,
  HOURS,
} from '../../../../domain/warming/read-forecast.ts';

const DAY = 86_400;
const at = (time: string) => Date.parse(time) / 1000;
const now = at('2026-11-28T09:30:00Z');

const ids = ['a', 'b', 'c', 'd', 'e'];
const counts = fc
  .uniqueArray(fc.constantFrom(...ids), { maxLength: ids.length })
  .chain((kols) =>
    fc.tuple(
      ...kols.map((id) =>
        fc.double({ min: 0, max: 1000, noNaN: true }).map((reads): CountedProfile => ({ id, reads })),
      ),
    ),
  );
const known = fc.record({
  recent: counts,
  hourly: fc.array(fc.record({ counted: counts, daysAgo: fc.integer({ min: 0, max: 20 }) }), {
    minLength: HOURS,
    maxLength: HOURS,
  }),
  coming: fc.uniqueArray(fc.integer({ min: 0, max: HOURS - 1 }), { maxLength: 2 }),
});
type Known = typeof known extends fc.Arbitrary<infer T> ? T : never;

const hoursOf = ({ hourly }: Known) =>
  hourly.map(({ counted, daysAgo }, hour) => hourReads(hour, { counted, start: now - daysAgo * DAY }, now));
const forecast = (reads: Known) => forecastReads(reads.recent, hoursOf(reads), reads.coming);
const readsOf = (counted: readonly CountedProfile[], id: string) =>
  counted.find((profile) => profile.id === id)?.reads ?? 0;

describe('the forecast of reads', () => {
  test('is finite, at least 0, of the recently read profiles, most reads first, and the same each time', () => {
    fc.assert(
      fc.property(known, (reads) => {
        const expected = forecast(reads);
        expect(expected.map(({ id }) => id).sort()).toEqual(reads.recent.map(({ id }) => id).sort());
        expect(expected.every(({ reads: count }) => Number.isFinite(count) && count >= 0)).toBe(true);
        const sorted = expected.map(({ reads: count }) => count);
        expect(sorted).toEqual(sorted.toSorted((a, b) => b - a));
        expect(forecast(reads)).toEqual(expected);
      }),
    );
  });

  test('grows with recent reads, and with reads at a coming hour', () => {
    fc.assert(
      fc.property(
        known,
        fc.constantFrom(...ids),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (reads, id, more) => {
          const add = (counted: readonly CountedProfile[]) =>
            counted.map((profile) => (profile.id === id ? { id, reads: profile.reads + more } : profile));
          const before = readsOf(forecast(reads), id);
          const slack = 1e-9 * (1 + before);
          expect(readsOf(forecast({ ...reads, recent: add(reads.recent) }), id)).toBeGreaterThanOrEqual(
            before - slack,
          );
          const [hour] = reads.coming;
          if (hour === undefined || reads.coming.length > 1) return;
          const hourly = reads.hourly.map((count, index) =>
            index === hour ? { ...count, counted: add(count.counted) } : count,
          );
          expect(readsOf(forecast({ ...reads, hourly }), id)).toBeGreaterThanOrEqual(before - slack);
        },
      ),
    );
  });

  test('equals the recent reads when the coming hours have no counts', () => {
    fc.assert(
      fc.property(known, (reads) => {
        const unknown = {
          ...reads,
          hourly: reads.hourly.map((hour) => ({ ...hour, daysAgo: 0, counted: [] })),
        };
        const laterToday = 20;
        const expected = forecastReads(reads.recent, hoursOf(unknown), [laterToday]);
        for (const { id, reads: count } of reads.recent) expect(readsOf(expected, id)).toBe(count);
      }),
    );
  });

  test('does not change who is read more where all hours are alike', () => {
    const hourly = Array.from({ length: HOURS }, (_, hour) => {
      const { hours, recentHours } = hourReads(hour, { counted: [], start: now - 5 * DAY }, now);
      return { hours, recentHours, counted: [{ id: 'a', reads: 40 * hours }, { id: 'b', reads: 20 * hours }] }; // prettier-ignore
    });
    const [first, second] = forecastReads([{ id: 'b', reads: 8 }, { id: 'a', reads: 9 }], hourly, [10]); // prettier-ignore
    expect([first?.id, second?.id]).toEqual(['a', 'b']);
    expect(first?.reads).toBeCloseTo(9);
  });

  test('prefers a profile that is read at the coming hour to one that is read at others', () => {
    const hourly = Array.from({ length: HOURS }, (_, hour) =>
      hourReads(
        hour,
        { counted: [{ id: hour === 10 ? 'morning' : 'other', reads: 60 }], start: now - 5 * DAY },
        now,
      ),
    );
    const recent = [{ id: 'other', reads: 90 }, { id: 'morning', reads: 5 }]; // prettier-ignore
    expect(forecastReads(recent, hourly, [10])[0]?.id).toBe('morning');
    expect(forecastReads(recent, hourly, [9])[0]?.id).toBe('other');
  });
});

describe('hours of the day', () => {
  test('are those of UTC', () => {
    expect(hourOfDay(at('2026-11-28T00:00:00Z'))).toBe(0);
    expect(hourOfDay(at('2026-11-28T23:59:59Z'))).toBe(23);
  });

  test('ahead are the current one, and the next one if the period reaches it', () => {
    expect(hoursAhead(at('2026-11-28T22:30:00Z'), 1020)).toEqual([22]);
    expect(hoursAhead(at('2026-11-28T23:45:00Z'), 1020)).toEqual([23, 0]);
  });

  test('count with the weights of their reads, from the start on', () => {
    const hours = (hour: number, start: string) =>
      hourReads(hour, { counted: [], start: at(start) }, now).hours;
    const dayWeight = (days: number) => 2 ** ((-days * DAY) / HOURLY_HALF_LIFE_SECONDS);
    expect(hours(9, '2026-11-28T09:00:00Z')).toBeCloseTo(0.5 * dayWeight(0.5 / 24));
    expect(hours(8, '2026-11-27T08:30:00Z')).toBeCloseTo(dayWeight(1.5 / 24) + 0.5 * dayWeight(1 + 1.5 / 24));
    expect(hours(10, '2026-11-28T09:00:00Z')).toBe(0);
    expect(hours(10, '2020-01-01T00:00:00Z')).toBeLessThan(5);
  });
});
