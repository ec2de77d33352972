import { isoTimeMs } from '../../domain/values/iso-time.ts';
import type { ReadResult } from './read-result.ts';

/**
 * Seconds since a cached value was read from its source, or since a warm confirmed it. The TTL is not reliable for this: warms add a grace
 * time to sets, and a refused warm restores TTLs without confirming anything. It is used only for a value without a time, such as a set
 * that another client wrote; then the result is the seconds since its TTL was set.
 * @param ttlSeconds TTL of the entity in Redis
 * @param nowMs milliseconds since 1970
 */
export function ageSeconds(
  read: Pick<ReadResult<unknown>, 'ttlSeconds' | 'updatedAt' | 'lastWarm'>,
  ttlSeconds: number,
  nowMs = Date.now(),
): number {
  const readMs = isoTimeMs(read.updatedAt ?? '');
  if (Number.isNaN(readMs)) return Math.max(0, ttlSeconds - (read.ttlSeconds ?? ttlSeconds));
  const confirmedMs = isoTimeMs(read.lastWarm?.()?.warmedAt ?? '');
  const sinceMs = Number.isNaN(confirmedMs) ? readMs : Math.max(readMs, confirmedMs);
  return Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
}
