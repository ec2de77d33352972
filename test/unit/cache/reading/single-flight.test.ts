import { describe, expect, test } from 'vitest';
import { createSingleFlight } from '../../../../cache/reading/single-flight.ts';

describe('single flight', () => {
  test('callers of one key at the same time share one piece of work; only the first is not collapsed', async () => {
    const flights = createSingleFlight<number>();
    let started = 0;
    const work = () => Promise.resolve((started += 1));
    const answers = await Promise.all([1, 2, 3].map(() => flights.share('a', work)));
    expect(answers).toEqual([
      { result: 1, collapsed: false },
      { result: 1, collapsed: true },
      { result: 1, collapsed: true },
    ]);
  });

  test('different keys do not wait for each other', async () => {
    const flights = createSingleFlight<string>();
    const stuck = new Promise<string>(() => {});
    void flights.share('stuck', () => stuck);
    expect(await flights.share('free', () => Promise.resolve('done'))).toEqual({
      result: 'done',
      collapsed: false,
    });
  });

  test('work is done anew once the flight has landed', async () => {
    const flights = createSingleFlight<number>();
    let started = 0;
    const work = () => Promise.resolve((started += 1));
    await flights.share('a', work);
    expect(await flights.share('a', work)).toEqual({ result: 2, collapsed: false });
  });

  test('an error reaches everybody who waited, and is not remembered', async () => {
    const flights = createSingleFlight<string>();
    const failing = () => Promise.reject(new Error('down'));
    const results = await Promise.allSettled([flights.share('a', failing), flights.share('a', failing)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await flights.share('a', () => Promise.resolve('up'))).result).toBe('up');
  });
});
