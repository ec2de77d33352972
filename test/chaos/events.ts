import type { Message } from 'kafkajs';
import type { EventKind } from '../../domain/scoring/topics.ts';
import type { PrintedRecord } from '../support/read-topics.ts';
import type { InputEvent } from './evidence.ts';

/** Keys name topic and KOL or video, so that records of several topics can be read together and told apart. */
const SEPARATOR = '~';
const UNREADABLE = 'unreadable';
const MINUTE_MS = 60_000;

/** Values that no event has; text without line breaks, for the reader's sake. */
const malformed = [
  '{"broken',
  '[]',
  'no JSON at all',
  '{"platform":"tiktok"}',
  '{"username":"x","platform":7}',
];

/**
 * Events of KOLs or videos that come again and again, also within a batch; some are minutes old, some cannot be read.
 * The same KOL or video is always in the same partition.
 * @param first number of the first event; the same number gives the same event but for its time
 */
export function eventsOf(
  kind: EventKind,
  topic: string,
  { first = 0, count, ids, partitions }: { first?: number; count: number; ids: number; partitions: number },
): (Message & { partition: number })[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const one = idOf(number, ids);
    const partition = one % partitions;
    if (number % 47 === 46) {
      const value = malformed[((number / 47) % malformed.length) | 0] ?? '';
      return { partition, key: `${topic}${SEPARATOR}${UNREADABLE}-${number}`, value };
    }
    const ageMs = number % 97 === 96 ? 12 * MINUTE_MS : (number * 131) % 2000;
    const id = `${topic}${SEPARATOR}${one}`;
    const value = JSON.stringify({
      event_id: `${topic}-${number}`,
      event_time: new Date(Date.now() - ageMs).toISOString(),
      platform: 'tiktok',
      ...(kind === 'profiles' ? profileOf(id, number) : videoOf(id, number)),
    });
    return { partition, key: id, value };
  });
}

const profileOf = (username: string, number: number) => ({
  event_type: 'profile',
  username,
  followers_count: 1000 + number,
  following_raw: '1.2K',
  bio: `event ${number}`,
});

const videoOf = (video_id: string, number: number) => ({
  event_type: 'video',
  video_id,
  username: `kol-${number % 7}`,
  view_count: 1000 + number,
  like_count_raw: '1.2K',
  caption: `event ${number}`,
});

/** A step that shares no factor with usual pool sizes visits all in a mixed order; each fifth event repeats one. */
const idOf = (number: number, ids: number): number =>
  number % 5 === 4 ? idOf(number - 2, ids) : (number * 7919 + Math.floor(number / ids)) % ids;

/** The input of a topic, from what a reader finds in it. */
export function inputOf(topic: string, records: readonly PrintedRecord[]): InputEvent[] {
  return records
    .filter(({ key }) => key.startsWith(topic + SEPARATOR))
    .map(({ partition, offset, key, value }) => {
      const unreadable = key.startsWith(`${topic}${SEPARATOR}${UNREADABLE}`);
      const eventTimeMs = unreadable
        ? 0
        : Date.parse((JSON.parse(value) as { event_time: string }).event_time);
      return { partition, offset, id: unreadable ? null : key, eventTimeMs };
    });
}
