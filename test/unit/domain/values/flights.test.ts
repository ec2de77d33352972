import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFlights } from '../../../../domain/values/flights.ts';

interface Result {
  readonly value: number;
}

/** Work that a test ends, or its signal. */
function createWork() {
  const signals: AbortSignal[] = [];
  let finish = (_: Result) => {};
  return {
    signals,
    finish: (value: number) => finish({ value }),
    start: ({ signal }: { readonly signal: AbortSignal }) => {
      signals.push(signal);
      return new Promise<Result>((resolve, reject) => {
        finish = resolve;
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
  };
}

describe('a flight', () => {
  test('is cancelled if and only if all who wait for it have left', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('leaves', 'stays', 'cannot leave'), { minLength: 1, maxLength: 6 }),
        async (waiters) => {
          const { share } = createFlights<Result>();
          const work = createWork();
          const reads = waiters.map((kind) => {
            const client = new AbortController();
            const result = share('key', work.start, kind === 'cannot leave' ? undefined : client.signal);
            return { kind, client, result };
          });
          const settled = Promise.allSettled(reads.map(({ result }) => result));
          for (const { kind, client } of reads) if (kind === 'leaves') client.abort(new Error('left'));
          await Promise.resolve().then(() => new Promise(setImmediate));
          expect(work.signals.map(({ aborted }) => aborted)).toEqual([
            waiters.every((kind) => kind === 'leaves'),
          ]);
          work.finish(7);
          expect((await settled).map(({ status }) => status)).toEqual(
            waiters.map((kind) => (kind === 'leaves' ? 'rejected' : 'fulfilled')),
          );
        },
      ),
    ));

  test('that is cancelled is not joined: the next reader starts its own', async () => {
    const { share, isRunning } = createFlights<Result>();
    const [cancelled, own] = [createWork(), createWork()];
    const client = new AbortController();
    const left = share('key', cancelled.start, client.signal);
    client.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    const read = share('key', own.start);
    await new Promise(setImmediate);
    expect(isRunning('key')).toBe(true);
    own.finish(7);
    expect(await read).toEqual({ value: 7, collapsed: false });
    expect(isRunning('key')).toBe(false);
  });

  test('is not started for a client that has left already', async () => {
    const work = createWork();
    const { share } = createFlights<Result>();
    await expect(share('key', work.start, AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    expect(work.signals).toEqual([]);
  });
});
