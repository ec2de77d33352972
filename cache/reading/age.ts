import { isoTimeMs } from '../../domain/values/iso-time.ts';
import type { ReadResult } from './read-result.ts';

/**
 * Seconds since a cached value was read from its source, or since a warm has confirmed it. The TTL does not tell it: warms add some time to
 * that of sets, and one whose read was refused restores it without having confirmed anything. Only of a value without a time
 * it must: then these are the seconds since its TTL was set.
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
