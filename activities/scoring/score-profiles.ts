import { writeScores } from '../../cache/writing/write-scores.ts';
import type { InputRecord, RecordSlice } from '../../clients/kafka/read-slice.ts';
import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import { isRefusal, type MlApi, type ScoreResult } from '../../clients/ml-api.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { Score } from '../../domain/entities/score.ts';
import type { TopicPartition } from '../../domain/kafka-location.ts';
import { keepNewest, type EventAtOffset, type RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import {
  buildFeatures,
  featuresOfAccount,
  platformOf,
  type ModelFeatures,
} from '../../domain/scoring/model-features.ts';
import { accountOf, parseProfileEvent, type ProfileEvent } from '../../domain/scoring/parse-profile-event.ts';
import { buildScore } from '../../domain/scoring/prediction.ts';
import { scoreRecord } from '../../domain/scoring/score-record.ts';
import { SCORES_TOPIC } from '../../domain/scoring/topics.ts';
import type { TrustFeatures } from '../../domain/scoring/trust-features.ts';
import type { RangeResult, RangeWork } from './range-work.ts';
import { createSpeculativeScorer } from './speculative-scorer.ts';

export interface ScoreProfilesDeps {
  readonly lookUpFeatures: Lookup<TrustFeatures>;
  readonly mlApi: MlApi;
  readonly redis: RedisClient;
}

interface Profile extends EventAtOffset<ProfileEvent> {
  /** What the lakehouse knows of the account; null for nothing. */
  readonly known: TrustFeatures | null;
  readonly features: ModelFeatures;
}
const featuresOf = ({ features }: Profile): ModelFeatures => features;

/** Scores profile events: parse → keep the newest of each account → look up features → ML API → Redis. */
export function createScoreProfiles({ lookUpFeatures, mlApi, redis }: ScoreProfilesDeps) {
  const scorer = createSpeculativeScorer(mlApi);

  return async function scoreProfiles(work: RangeWork): Promise<RangeResult> {
    const { input, next, watermarkMs, signal, time } = work;
    const partition = `${input.topic}/${input.partition}`;
    const sorted = parseAndKeepNewest(work.records, watermarkMs);
    const { profiles, complete } = await time('features', () => addFeatures(sorted.newest));
    const results = await time('model', () => scorer.score(partition, profiles.map(featuresOf), signal));
    // Best effort: an error here is thrown when the next range is read and scored.
    if (next !== undefined) scoreAhead(partition, next, watermarkMs).catch(() => {});
    const { scored, refused } = toScores(input, profiles, results);
    // Write before the transaction. A crash in between repeats the write, which the guard makes harmless. In the other order
    // the retry would find the offset committed and never write.
    const scores = scored.map(({ score }) => score);
    const written = await time('cache', () => writeScores(redis, scores));
    return {
      done: scores.flatMap(({ source }) => (source === null ? [] : [source.offset])),
      deadLetters: [...sorted.deadLetters, ...refused],
      late: sorted.late,
      superseded: sorted.superseded,
      outputs: [{ topic: SCORES_TOPIC, records: scoreRecords(scored) }],
      maxEventTimeMs: sorted.maxEventTimeMs,
      outdated: scores.length - written,
      enriched: complete,
      modelVersion: scores[0]?.model_version ?? null,
    };
  };

  async function addFeatures(
    newest: readonly EventAtOffset<ProfileEvent>[],
  ): Promise<{ readonly profiles: Profile[]; readonly complete: boolean }> {
    const { byId, complete } = await lookUpFeatures(newest.map(({ event }) => event.kol_id));
    const profiles = newest.map(({ offset, event }) => {
      const known = featuresOfAccount(event, byId.get(event.kol_id));
      return { offset, event, known, features: buildFeatures(event, known) };
    });
    return { profiles, complete };
  }

  /** Scores the first profiles of the next range while this one is committed. The next range is parsed again as a whole. */
  async function scoreAhead(
    partition: string,
    next: Promise<RecordSlice>,
    watermarkMs: number | null,
  ): Promise<void> {
    const records = (await next).records.slice(0, scorer.capacity());
    if (records.length === 0) return;
    const { newest } = parseAndKeepNewest(records, watermarkMs);
    const { profiles } = await addFeatures(newest);
    scorer.scoreAhead(partition, profiles.map(featuresOf));
  }
}

function parseAndKeepNewest(records: readonly InputRecord[], watermarkMs: number | null) {
  const nowMs = Date.now();
  const parsed = records.map((record) => ({
    offset: record.offset,
    outcome: parseProfileEvent(record, nowMs),
  }));
  return keepNewest(parsed, accountOf, watermarkMs);
}

interface ScoredProfile {
  readonly event: ProfileEvent;
  readonly score: Score;
}

/** The scores of the profiles, and the profiles that the model refused. */
function toScores(
  { topic, partition }: TopicPartition,
  profiles: readonly Profile[],
  results: readonly ScoreResult[],
): { readonly scored: ScoredProfile[]; readonly refused: RejectedRecord[] } {
  const scored: ScoredProfile[] = [];
  const refused: RejectedRecord[] = [];
  profiles.forEach(({ offset, event, known }, index) => {
    const result = results[index];
    if (result === undefined) throw new Error('The ML API client returned fewer results than profiles');
    if (isRefusal(result)) {
      refused.push({ offset, reason: 'rejected_by_model', detail: result.refused });
      return;
    }
    const score = buildScore(result, {
      platform: platformOf(event, known),
      event_time_ms: event.event_time_ms,
      source: { topic, partition, offset },
      features_from: known === null ? 'event' : 'event+lakehouse',
    });
    scored.push({ event, score });
  });
  return { scored, refused };
}

function scoreRecords(scored: readonly ScoredProfile[]) {
  const nowMs = Date.now();
  return scored.map(({ event, score }) =>
    scoreRecord(score, nowMs - event.event_time_ms, event.negative_counts),
  );
}
