import { PROFILES_TOPIC, VIDEOS_TOPIC } from '../../domain/scoring/topics.ts';
import { profileEvent, videoEvent } from './events.ts';
import { malformed } from './malformed.ts';
import { chance, pickPopular, type Random } from './random.ts';
import type { Subjects } from './subjects.ts';

/** A record for one of the input topics. */
export interface Message {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
}

const PROFILE_SHARE = 0.8;

/**
 * The next thing that a scraper saw: four profiles to one video.
 * @param badShare part of the events that is malformed, 0 to 1
 */
export function nextMessage(random: Random, now: number, subjects: Subjects, badShare: number): Message {
  const isProfile = chance(random, PROFILE_SHARE);
  const isBad = chance(random, badShare);
  const text = (event: Parameters<typeof malformed>[1]) =>
    isBad ? malformed(random, event) : JSON.stringify(event);
  if (isProfile) {
    const subject = pickPopular(random, subjects.profiles);
    return { topic: PROFILES_TOPIC, key: subject.kolId, value: text(profileEvent(random, now, subject)) };
  }
  const subject = pickPopular(random, subjects.videos);
  return { topic: VIDEOS_TOPIC, key: subject.videoId, value: text(videoEvent(random, now, subject)) };
}
