import { PROFILES_TOPIC, VIDEOS_TOPIC } from '../../domain/scoring/topics.ts';
import { profileEvent, videoEvent, type ScrapedEvent } from './events.ts';
import { malformed } from './malformed.ts';
import { chance, pickPopular, type Random } from './random.ts';
import type { Subjects } from './subjects.ts';

/** A record for an input topic. */
export interface Message {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
}

const PROFILE_SHARE = 0.8;

/**
 * The next scraped event as a record: four profiles per video on average.
 * @param badShare share of malformed events, 0 to 1
 */
export function nextMessage(random: Random, now: number, subjects: Subjects, badShare: number): Message {
  const isProfile = chance(random, PROFILE_SHARE);
  const isBad = chance(random, badShare);
  const toText = (event: ScrapedEvent) => (isBad ? malformed(random, event) : JSON.stringify(event));
  if (isProfile) {
    const subject = pickPopular(random, subjects.profiles);
    return { topic: PROFILES_TOPIC, key: subject.kolId, value: toText(profileEvent(random, now, subject)) };
  }
  const subject = pickPopular(random, subjects.videos);
  return { topic: VIDEOS_TOPIC, key: subject.videoId, value: toText(videoEvent(random, now, subject)) };
}
