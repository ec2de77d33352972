import { content, type Content } from '../../domain/entities/content.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import type { Score } from '../../domain/entities/score.ts';
import type { Row } from '../../domain/schema/table-entity.ts';
import { parseProfileEvent } from '../../domain/scoring/parse-profile-event.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import {
  buildFeatures,
  buildScore,
  type ModelFeatures,
  type Prediction,
} from '../../domain/scoring/trust-model.ts';

/*
 * Example values of the documents. They are built with the code of the system from rows and events, so an example always has the form
 * that the code writes.
 */

export const SAMPLE_TIME = '2026-11-22T10:00:00.000Z';

/** Cells of a Silver row, by column. */
type Cells = Readonly<Record<string, string | null>>;

/** A row in the order of the select list of an entity. */
const rowOf = (columns: Readonly<Record<string, string>>, cells: Cells): Row =>
  Object.values(columns).map((column) => cells[column] ?? null);

export const sampleProfile: Profile = profile.fromRow(
  rowOf(profile.columns, {
    kol_id: 'zoe',
    platform: 'tiktok',
    username: 'zoe',
    display_name: 'Zoë',
    description: 'Beauty from Hanoi',
    followers_count: '11300',
    following_count: '20',
    post_count: '345',
    verified: 'true',
    profile_url: 'https://www.tiktok.com/@zoe',
    account_created_at: '2020-01-01T00:00:00Z',
    source: 'scraper',
    processed_at: '2026-11-22T00:00:00Z',
  }),
);

export const sampleContent: Content = content.fromRow(
  rowOf(content.columns, {
    content_id: '7301234567890123456',
    kol_id: 'zoe',
    platform: 'tiktok',
    content_type: 'video',
    title: 'Hi',
    views: '14330',
    likes: '1433',
    comments: '120',
    shares: '12',
    engagement_rate: '10.92',
    duration_seconds: '21',
    posted_at: '2026-11-22T08:00:00Z',
    hashtags: 'beauty,hanoi',
    source: 'scraper',
    processed_at: '2026-11-22T09:00:00Z',
  }),
);

/** A profile event, as a scraper produces it. */
const sampleProfileEvent = {
  event_id: '6f1c2a52-3a35-4b1e-9f59-0f6f3f1f1c11',
  event_time: '2026-11-22T09:59:59Z',
  event_type: 'profile',
  platform: 'tiktok',
  username: 'zoe',
  nickname: 'Zoë',
  followers_raw: '11.3K',
  following_raw: '20',
  posts_raw: '345',
  likes_raw: '1.2M',
  verified: true,
  signature: 'Beauty from Hanoi',
  avatar_url: 'https://example.com/zoe.jpg',
  profile_url: 'https://www.tiktok.com/@zoe',
};

export const sampleFeatures: ModelFeatures = buildFeatures(parsedSampleEvent(), null);

export const samplePrediction: Prediction = {
  kol_id: 'zoe',
  trust_score: 72.5,
  is_trustworthy: true,
  confidence: 0.9,
  risk_level: 'moderate',
  prediction_source: 'model',
  model_version: 'v1',
  timestamp: SAMPLE_TIME,
};

export const sampleScore: Score = buildScore(samplePrediction, {
  platform: 'tiktok',
  event_time_ms: Date.parse(sampleProfileEvent.event_time),
  source: { topic: PROFILES_TOPIC, partition: 3, offset: 1042, fenced_at_ms: Date.parse(SAMPLE_TIME) },
  features_from: 'event+lakehouse',
});

function parsedSampleEvent() {
  const value = Buffer.from(JSON.stringify(sampleProfileEvent));
  const nowMs = Date.parse(SAMPLE_TIME);
  const outcome = parseProfileEvent({ value, timestampMs: nowMs }, nowMs);
  if (outcome.kind !== 'ok') throw new Error(`the sample event is not valid: ${outcome.detail}`);
  return outcome.value;
}
