import { ApplicationFailure, Context } from '@temporalio/activity';
import { readPartMetadata, writePartMetadata } from '../../cache/writing/part-metadata.ts';
import { renewPart } from '../../cache/writing/renew-part.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import { judgeRefusedPart } from '../../domain/warming/refused-part.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { createRenewalLimiter } from './rate-limiter.ts';

/** How to renew the cached keys of a part whose read was refused. */
export interface RefusedRenewal {
  /** Renew only while the last good warm is at most this old (s); 0 turns renewal off. */
  readonly maxAgeSeconds: number;
  /** Minimum TTL after the renewal (s): the time until the next warm. */
  readonly minTtlSeconds: number;
  /** Limit of profiles that are written in a second; 0 for no limit. */
  readonly writesPerSecond: number;
}

/**
 * Failures caused by the data, which the next read would repeat. An outage is not one of them: while Trino is down, readers cannot fill a key with
 * worse data.
 */
const REFUSALS: ReadonlySet<string | null | undefined> = new Set([
  failureTypes.emptyRead,
  failureTypes.implausiblyShrunk,
  failureTypes.sourceChanging,
  failureTypes.sourceSchemaMismatch,
  failureTypes.sourceUnreadable,
]);

/**
 * Renews the cached keys of a part whose read was refused, so that they do not expire. Also keeps the record of the last warm, because the
 * next read is compared with it.
 * @returns the failure; its message says until when the keys are kept
 * @throws the first error from Redis
 */
export async function keepRefused(
  failure: unknown,
  redis: RedisClient,
  part: WarmPart,
  { maxAgeSeconds, minTtlSeconds, writesPerSecond }: RefusedRenewal,
): Promise<unknown> {
  if (!(failure instanceof ApplicationFailure) || !REFUSALS.has(failure.type)) return failure;
  const last = await readPartMetadata(redis, part);
  if (last === null) return failure;
  await writePartMetadata(redis, part, last);
  const { isKept, note } = judgeRefusedPart(last.warmed_at, { now: new Date(), maxAgeSeconds });
  const rate = createRenewalLimiter(writesPerSecond, last.keys, Context.current().cancellationSignal);
  const keys = isKept
    ? `${await renewPart(redis, part, last, minTtlSeconds, rate.wait)} keys are `
    : 'Its keys are ';
  const { message, type, nonRetryable, details, cause } = failure;
  return new ApplicationFailure(`${message} ${keys}${note}.`, type, nonRetryable, details, cause);
}
