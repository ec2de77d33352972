import { writeScores } from '../../cache/writing/write-scores.ts';
import { writeUnlessErased } from '../../cache/writing/write-unless-erased.ts';
import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import { isRefusal, type MlApi } from '../../clients/ml-api.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { score as scoreEntity } from '../../domain/entities/score.ts';
import { keepNewest, type RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import { scoreRecord } from '../../domain/scoring/output-record.ts';
import { happenedByMs } from '../../domain/scoring/parse-event.ts';
import { accountOf, parseProfileEvent } from '../../domain/scoring/parse-profile-event.ts';
import {
  buildFeatures,
  buildScore,
  featuresOfAccount,
  platformOf,
  type TrustFeatures,
} from '../../domain/scoring/trust-model.ts';
import { timed, type BatchResult, type MicroBatch } from './micro-batch.ts';

export interface ScoreProfilesDeps {
  readonly lookUpFeatures: Lookup<TrustFeatures>;
  readonly mlApi: MlApi;
  readonly redis: RedisClient;
}

/** Scores profile events: parse → keep the newest of each account → look up features → ML API; `write` writes Redis. */
export function createScoreProfiles({ lookUpFeatures, mlApi, redis }: ScoreProfilesDeps) {
  return async function scoreProfiles(batch: MicroBatch): Promise<BatchResult> {
    const { input, records, lateness, signal, timeUp, phases } = batch;
    const { newest, ...sorted } = keepNewest(records, parseProfileEvent, accountOf, lateness);
    const profiles = await timed(phases, 'features', async () => {
      const { byId } = await lookUpFeatures(newest.map(({ event }) => event.kol_id));
      return newest.map((profile) => {
        const known = featuresOfAccount(profile.event, byId.get(profile.event.kol_id));
        return { ...profile, known, features: buildFeatures(profile.event, known) };
      });
    });
    const features = profiles.map((profile) => profile.features);
    const call = { signal, timeUp, caller: `${input.topic}/${input.partition}` };
    // Shorter than the profiles when the time was up.
    const results = await timed(phases, 'model', () => mlApi.score(features, call));
    const refused: RejectedRecord[] = [];
    const scored = profiles.slice(0, results.length).flatMap(({ record, event, late, known }, index) => {
      const result = results[index]!;
      if (isRefusal(result)) {
        refused.push({ record, reason: 'rejected_by_model', detail: result.refused });
        return [];
      }
      const { kol_id, event_time_ms } = event;
      const score = buildScore(result, {
        platform: platformOf(event, known),
        event_time_ms,
        source: { ...input, offset: record.offset },
        features_from: known === null ? 'event' : 'event+lakehouse',
      });
      const happened_by_ms = happenedByMs(event_time_ms, record, lateness.nowMs);
      const keys = [scoreEntity.key(kol_id)];
      return [{ record, event, late, score, kolIds: [kol_id], event_time_ms, happened_by_ms, keys }];
    });
    return {
      ...sorted,
      scored: scored.map(({ record }) => record.offset),
      deadLetters: [...sorted.deadLetters, ...refused],
      late: scored.filter(({ late }) => late).length,
      cutAt: profiles[results.length]?.record.offset ?? null,
      modelVersion: scored[0]?.score.model_version ?? null,
      async write() {
        const written = await writeUnlessErased(redis, scored, (some) => {
          const scores = some.map(({ score }) => score);
          return writeScores(redis, scores);
        });
        const nowMs = Date.now();
        const scores = scored.map(({ record, event, late, score }) => {
          const latencyMs = nowMs - event.event_time_ms;
          const message = scoreRecord(score, { latencyMs, late, negativeCounts: event.negative_counts });
          return { record, message };
        });
        return { outdated: scored.length - written, scores };
      },
    };
  };
}
