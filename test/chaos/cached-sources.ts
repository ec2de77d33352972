import type { Redis } from 'ioredis';
import { content } from '../../domain/entities/content.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import type { RecordLocation } from '../../domain/kafka-location.ts';
import type { InputEvent } from './observed-run.ts';

/** The source event of a cached value, by KOL or video. */
type CachedSources = Map<string, RecordLocation | null>;

const idsOf = (input: readonly InputEvent[]) => [...new Set(input.flatMap(({ id }) => id ?? []))];

/** The source event of the cached score of each KOL. */
export async function readCachedScores(redis: Redis, input: readonly InputEvent[]): Promise<CachedSources> {
  const ids = idsOf(input);
  const texts = ids.length === 0 ? [] : await redis.mget(ids.map(score.key));
  return new Map(
    texts.flatMap((text, index) =>
      text === null ? [] : [[ids[index] ?? '', (JSON.parse(text) as Score).source] as const],
    ),
  );
}

/** The source event of the cached detail of each video. The detail has the offset; a video is always in the same partition. */
export async function readCachedDetails(
  redis: Redis,
  topic: string,
  input: readonly InputEvent[],
): Promise<CachedSources> {
  const partitions = new Map(input.map(({ id, partition }) => [id, partition]));
  const sources = idsOf(input).map(async (id) => {
    const offset = await redis.hget(content.key(id), 'source_offset');
    const source = { topic, partition: partitions.get(id) ?? -1, offset: Number(offset) };
    return [id, offset === null ? null : source] as const;
  });
  return new Map(await Promise.all(sources));
}
