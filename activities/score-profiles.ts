import type { KnownOf } from '../cache/known.ts';
import { writeScores } from '../cache/write-scores.ts';
import type { RedisClient } from '../clients/redis.ts';
import { isRefusal, type TrustApi } from '../clients/trust-api.ts';
import { scoreOf, type Score } from '../domain/entities/score.ts';
import { buildFeatures } from '../domain/scoring/model-features.ts';
import { scoreRecord } from '../domain/scoring/output-records.ts';
import { parseProfileEvent } from '../domain/scoring/profile-event.ts';
import { SCORES_TOPIC } from '../domain/scoring/topics.ts';
import { triage, type Rejected } from '../domain/scoring/triage.ts';
import type { TrustFeatures } from '../domain/scoring/trust-features.ts';
import type { RangeResult, RangeWork } from './score-range.ts';

export interface ScoreProfilesDeps {
  readonly knownFeatures: KnownOf<TrustFeatures>;
  readonly trustApi: TrustApi;
  readonly redis: RedisClient;
}

/** Profile events: parse → newest per KOL → features (+ Trino for what is missing) → ML API → Redis. */
export function createScoreProfiles({ knownFeatures, trustApi, redis }: ScoreProfilesDeps) {
  return async function scoreProfiles({
    place,
    records,
    watermarkMs,
    signal,
    time,
  }: RangeWork): Promise<RangeResult> {
    const parsed = records.map((record) => ({ offset: record.offset, outcome: parseProfileEvent(record) }));
    const { newest, deadLetters, late, superseded, maxEventTimeMs } = triage(
      parsed,
      ({ kol_id }) => kol_id,
      watermarkMs,
    );

    const known = await time('features', () => knownFeatures(newest.map(({ event }) => event.kol_id)));
    const features = newest.map(({ event }) => buildFeatures(event, known.byId.get(event.kol_id) ?? null));
    const results = await time('model', () => trustApi.score(features, signal));

    const scores: Score[] = [];
    const refused: Rejected[] = [];
    newest.forEach(({ offset, event }, index) => {
      const result = results[index];
      if (result === undefined)
        throw new Error('The ML API client answered fewer results than it was asked for');
      if (isRefusal(result)) {
        refused.push({ offset, reason: 'rejected_by_model', detail: result.refused });
        return;
      }
      scores.push(
        scoreOf(result, {
          platform: event.platform,
          event_time_ms: event.event_time_ms,
          source: { ...sourceOf(place), offset },
          features_from: known.byId.has(event.kol_id) ? 'event+lakehouse' : 'event',
        }),
      );
    });
    // Before the transaction: a crash in between repeats the write, which the guard makes harmless; the other way round
    // the retry would find the offset committed and never write.
    const written = await time('cache', () => writeScores(redis, scores));
    const now = Date.now();
    return {
      done: scores.flatMap(({ source }) => (source === null ? [] : [source.offset])),
      deadLetters: [...deadLetters, ...refused],
      late,
      superseded,
      outputs: [
        {
          topic: SCORES_TOPIC,
          records: scores.map((score) => scoreRecord(score, now - (score.event_time_ms ?? now))),
        },
      ],
      maxEventTimeMs,
      outdated: scores.length - written,
      enriched: known.complete,
      modelVersion: scores[0]?.model_version ?? null,
    };
  };
}

const sourceOf = ({ topic, partition }: RangeWork['place']) => ({ topic, partition });
