import { scanEntities } from '../../cache/redis/scan-entities.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import type { EventSource } from '../../domain/kafka-location.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';

/** The time of these values. */
export const NOW = new Date('2026-03-01T12:00:00Z');

export const idsOf = (count: number, prefix = 'kol-'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

export const profileOf = (kolId: string, followers = 7): Profile => ({
  ...profile.fromHash({ kol_id: kolId }),
  followers_count: followers,
});

export const profileEntries = (kolIds: readonly string[], followers?: number, cachedAt = NOW): CacheEntry[] =>
  kolIds.map((id) => profile.toEntry(id, profileOf(id, followers), cachedAt.toISOString()));

export const contentOf = (contentId: string, views: number, processedAt: string | null = null): Content => ({
  ...content.fromHash({ content_id: contentId }),
  views,
  processed_at: processedAt,
});

/** A score of an event; a score without an event time is one of the lakehouse. */
export const scoreAt = (
  kolId: string,
  eventTimeMs: number | null,
  offset = 0,
  source: Partial<EventSource> = {},
): Score => ({
  kol_id: kolId,
  platform: 'tiktok',
  trust_score: 50,
  trust_label: 'elevated',
  risk_level: 'elevated',
  is_trustworthy: false,
  confidence: 0.5,
  model_version: 'test',
  timestamp: NOW.toISOString(),
  event_time_ms: eventTimeMs,
  source: { topic: 'kol.profiles.raw', partition: 0, offset, ...source },
  features_from: 'event',
});

export const scoresAt = (kolIds: readonly string[], eventTimeMs: number | null): Score[] =>
  kolIds.map((id) => scoreAt(id, eventTimeMs));

export const partMetadataOf = (rows: number): PartMetadata => ({
  warmed_at: NOW.toISOString(),
  run_id: 'test',
  trigger: 'cli',
  keys: rows,
  read_at: NOW.toISOString(),
  rows,
  tableRows: {},
  versions: {},
  shape: '',
  sets: {},
});

/** Ids of all profiles that a scan of the cache finds, in order. */
export async function scannedProfileIds(redis: RedisClient): Promise<string[]> {
  const found = new Set<string>();
  for await (const page of scanEntities(redis, profile)) for (const { id } of page) found.add(id);
  return [...found].sort();
}

export async function cachedScore(redis: RedisClient, kolId: string): Promise<Score | null> {
  const json = await redis.get(score.key(kolId));
  return json === null ? null : score.fromString(json);
}
