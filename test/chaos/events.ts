import type { Message } from 'kafkajs';
import type { EventKind } from '../../domain/scoring/topics.ts';
import type { PrintedRecord } from '../support/read-topics.ts';
import type { InputEvent } from './observed-run.ts';

/** A key holds the topic and the KOL or video, so that records of several topics can be read together and separated again. */
const SEPARATOR = '~';
const UNREADABLE = 'unreadable';
const MINUTE_MS = 60_000;

/** Values that are not valid events. They are text without line breaks, because the reader splits lines. */
const malformed = [
  '{"broken',
  '[]',
  'no JSON at all',
  '{"platform":"tiktok"}',
  '{"username":"x","platform":7}',
];

/**
 * Events of KOLs or videos. Each id occurs many times, also within a batch. Some events are minutes old, some cannot be read. An
 * id is always in the same partition.
 * @param first number of the first event; the same number gives the same event, except for its time
 */
export function eventsOf(
  kind: EventKind,
  topic: string,
  { first = 0, count, ids, partitions }: { first?: number; count: number; ids: number; partitions: number },
): (Message & { partition: number })[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const idNumber = idNumberOf(number, ids);
    const partition = idNumber % partitions;
    if (number % 47 === 46) {
      const value = malformed[((number / 47) % malformed.length) | 0] ?? '';
      return { partition, key: `${topic}${SEPARATOR}${UNREADABLE}-${number}`, value };
    }
    const ageMs = number % 97 === 96 ? 12 * MINUTE_MS : (number * 131) % 2000;
    const id = `${topic}${SEPARATOR}${idNumber}`;
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

/** Visits all ids in a mixed order: 7919 is prime, so it shares no factor with the usual numbers of ids. Each fifth event repeats an id. */
const idNumberOf = (number: number, ids: number): number =>
  number % 5 === 4 ? idNumberOf(number - 2, ids) : (number * 7919 + Math.floor(number / ids)) % ids;

/** The input of one topic, from the records of several. */
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
