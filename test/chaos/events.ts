import type { Message } from 'kafkajs';
import type { PrintedRecord } from '../support/read-topics.ts';
import type { InputEvent } from './evidence.ts';

/** Keys name topic and KOL, so that records of several topics can be read together and told apart. */
const SEPARATOR = '~';
const UNREADABLE = 'unreadable';
const MINUTE_MS = 60_000;

/** Values that no profile event has; text without line breaks, for the reader's sake. */
const malformed = [
  '{"broken',
  '[]',
  'no JSON at all',
  '{"platform":"tiktok"}',
  '{"username":"x","platform":7}',
];

/**
 * Profile events: KOLs come again and again, also within a batch; some events are minutes old, some cannot be read.
 * The same KOL is always in the same partition.
 * @param first number of the first event; the same number gives the same event but for its time
 */
export function profileEvents(
  topic: string,
  { first = 0, count, kols, partitions }: { first?: number; count: number; kols: number; partitions: number },
): (Message & { partition: number })[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const kol = kolOf(number, kols);
    const partition = kol % partitions;
    if (number % 47 === 46) {
      const value = malformed[((number / 47) % malformed.length) | 0] ?? '';
      return { partition, key: `${topic}${SEPARATOR}${UNREADABLE}-${number}`, value };
    }
    const ageMs = number % 97 === 96 ? 12 * MINUTE_MS : (number * 131) % 2000;
    const username = `${topic}${SEPARATOR}${kol}`;
    const value = JSON.stringify({
      event_id: `${topic}-${number}`,
      event_type: 'profile',
      event_time: new Date(Date.now() - ageMs).toISOString(),
      platform: 'tiktok',
      username,
      followers_count: 1000 + number,
      following_raw: '1.2K',
      bio: `event ${number}`,
    });
    return { partition, key: username, value };
  });
}

/** A step that shares no factor with usual pool sizes visits all KOLs in a mixed order; each fifth event repeats one. */
const kolOf = (number: number, kols: number): number =>
  number % 5 === 4 ? kolOf(number - 2, kols) : (number * 7919 + Math.floor(number / kols)) % kols;

/** The input of a topic, from what a reader finds in it. */
export function inputOf(topic: string, records: readonly PrintedRecord[]): InputEvent[] {
  return records
    .filter(({ key }) => key.startsWith(topic + SEPARATOR))
    .map(({ partition, offset, key, value }) => {
      const unreadable = key.startsWith(`${topic}${SEPARATOR}${UNREADABLE}`);
      const eventTimeMs = unreadable
        ? 0
        : Date.parse((JSON.parse(value) as { event_time: string }).event_time);
      return { partition, offset, kolId: unreadable ? null : key, eventTimeMs };
    });
}
