import { writeScores } from '../../cache/writing/write-scores.ts';
import { writeUnlessErased } from '../../cache/writing/write-unless-erased.ts';
import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import { isRefusal, type MlApi, type ScoreResult } from '../../clients/ml-api.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { score as scoreEntity, type Score } from '../../domain/entities/score.ts';
import { keepNewest, type RecordedEvent, type RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import { scoreRecord } from '../../domain/scoring/output-record.ts';
import { happenedByMs } from '../../domain/scoring/parse-event.ts';
import { accountOf, parseProfileEvent, type ProfileEvent } from '../../domain/scoring/parse-profile-event.ts';
import {
  buildFeatures,
  buildScore,
  featuresOfAccount,
  type ModelFeatures,
  platformOf,
  type TrustFeatures,
} from '../../domain/scoring/trust-model.ts';
import { timed, type BatchResult, type MicroBatch, type ScoreOutput } from './micro-batch.ts';

export interface ScoreProfilesDeps {
  readonly lookUpFeatures: Lookup<TrustFeatures>;
  readonly mlApi: MlApi;
  readonly redis: RedisClient;
}

interface Profile extends RecordedEvent<ProfileEvent> {
  /** What the lakehouse knows of the account; null for nothing. */
  readonly known: TrustFeatures | null;
  readonly features: ModelFeatures;
}

interface ScoredProfile extends RecordedEvent<ProfileEvent> {
  readonly score: Score;
}

/** Scores profile events: parse → keep the newest of each account → look up features → ML API; `write` writes Redis. */
export function createScoreProfiles({ lookUpFeatures, mlApi, redis }: ScoreProfilesDeps) {
  return async function scoreProfiles(batch: MicroBatch): Promise<BatchResult> {
    const { input, records, lateness, signal, timeUp, phases } = batch;
    const { newest, ...sorted } = keepNewest(records, parseProfileEvent, accountOf, lateness);
    const profiles = await timed(phases, 'features', () => addFeatures(newest));
    // Shorter than the profiles when the time was up.
    const results = await timed(phases, 'model', () =>
      mlApi.score(
        profiles.map(({ features }) => features),
        { signal, timeUp, caller: `${input.topic}/${input.partition}` },
      ),
    );
    const { scored, refused } = toScores(input, profiles, results);
    return {
      ...sorted,
      scored: scored.map(({ record }) => record.offset),
      deadLetters: [...sorted.deadLetters, ...refused],
      late: scored.filter(({ late }) => late).length,
      cutAt: profiles[results.length]?.record.offset ?? null,
      modelVersion: scored[0]?.score.model_version ?? null,
      async write() {
        const events = scored.map((profile) => ofKol(profile, lateness.nowMs));
        const written = await writeUnlessErased(redis, events, (some) =>
          writeScores(
            redis,
            some.map(({ score }) => score),
          ),
        );
        return { outdated: scored.length - written, scores: scoreRecords(scored) };
      },
    };
  };

  async function addFeatures(newest: readonly RecordedEvent<ProfileEvent>[]): Promise<Profile[]> {
    const { byId } = await lookUpFeatures(newest.map(({ event }) => event.kol_id));
    return newest.map(({ record, event, late }) => {
      const known = featuresOfAccount(event, byId.get(event.kol_id));
      return { record, event, late, known, features: buildFeatures(event, known) };
    });
  }
}

const ofKol = ({ record, score, event: { kol_id, event_time_ms } }: ScoredProfile, nowMs: number) => ({
  score,
  kolIds: [kol_id],
  event_time_ms,
  happened_by_ms: happenedByMs(event_time_ms, record, nowMs),
  keys: [scoreEntity.key(kol_id)],
});

/** The scores of the profiles that have a result, and the profiles that the model refused. */
function toScores(
  input: MicroBatch['input'],
  profiles: readonly Profile[],
  results: readonly ScoreResult[],
): { readonly scored: ScoredProfile[]; readonly refused: RejectedRecord[] } {
  const scored: ScoredProfile[] = [];
  const refused: RejectedRecord[] = [];
  results.forEach((result, index) => {
    const profile = profiles[index];
    if (profile === undefined) throw new Error('The ML API client returned more results than profiles');
    const { record, event, late, known } = profile;
    if (isRefusal(result)) {
      refused.push({ record, reason: 'rejected_by_model', detail: result.refused });
      return;
    }
    const score = buildScore(result, {
      platform: platformOf(event, known),
      event_time_ms: event.event_time_ms,
      source: { ...input, offset: record.offset },
      features_from: known === null ? 'event' : 'event+lakehouse',
    });
    scored.push({ record, event, late, score });
  });
  return { scored, refused };
}

function scoreRecords(scored: readonly ScoredProfile[]): ScoreOutput[] {
  const nowMs = Date.now();
  return scored.map(({ record, event, late, score }) => ({
    record,
    message: scoreRecord(score, {
      latencyMs: nowMs - event.event_time_ms,
      late,
      negativeCounts: event.negative_counts,
    }),
  }));
}
