import { expect, test, vi } from 'vitest';
import { createReadiness } from '../../../api/readiness.ts';

/** As the query of a Trino that hangs: it ends some time after its signal, because it waits for its cancellation. */
const endsLate = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(new Error('cancelled')), 5000).unref());
  });

test('a part that hangs is down in time for the probe of a load balancer, while the others are up', async () => {
  const onDown = vi.fn();
  const readiness = createReadiness({ redis: () => Promise.resolve('PONG'), trino: endsLate }, onDown);
  const started = performance.now();
  expect(await readiness()).toMatchObject({
    status: 'degraded',
    parts: { redis: { state: 'up' }, trino: { state: 'down' } },
  });
  expect(performance.now() - started).toBeLessThan(2000);
  expect(onDown).toHaveBeenCalledExactlyOnceWith('trino', expect.any(Error));
});
