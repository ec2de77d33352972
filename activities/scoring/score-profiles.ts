import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import { writeScores } from '../../cache/writing/write-scores.ts';
import type { InputRecord, RecordSlice } from '../../clients/kafka/range-reader.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { isRefusal, type MlApi } from '../../clients/ml-api.ts';
import { scoreOf, type Score } from '../../domain/entities/score.ts';
import { buildFeatures } from '../../domain/scoring/model-features.ts';
import { scoreRecord } from '../../domain/scoring/output-records.ts';
import { parseProfileEvent, type ProfileEvent } from '../../domain/scoring/profile-event.ts';
import { SCORES_TOPIC } from '../../domain/scoring/topics.ts';
import { keepNewest, type EventAtOffset, type RejectedRecord } from '../../domain/scoring/keep-newest.ts';
import type { TrustFeatures } from '../../domain/scoring/trust-features.ts';
import { createSpeculativeScorer } from './speculative-scorer.ts';
import type { RangeResult, RangeWork } from './score-range.ts';

export interface ScoreProfilesDeps {
  readonly lookUpFeatures: Lookup<TrustFeatures>;
  readonly mlApi: MlApi;
  readonly redis: RedisClient;
}

/** Profile events: parse → newest per KOL → features (+ Trino for what is missing) → ML API → Redis. */
export function createScoreProfiles({ lookUpFeatures, mlApi, redis }: ScoreProfilesDeps) {
  const speculativeScorer = createSpeculativeScorer(mlApi);

  async function featuresOf(newest: readonly EventAtOffset<ProfileEvent>[]) {
    const known = await lookUpFeatures(newest.map(({ event }) => event.kol_id));
    return {
      known,
      features: newest.map(({ event }) => buildFeatures(event, known.byId.get(event.kol_id) ?? null)),
    };
  }

  /** Only what is asked about ahead is read ahead: the range is sorted as a whole when its turn comes. */
  async function askAhead(place: string, next: Promise<RecordSlice>, watermarkMs: number | null): Promise<void> {
    const records = (await next).records.slice(0, speculativeScorer.capacity());
    if (records.length === 0) return;
    const { newest } = sorted(records, watermarkMs);
    speculativeScorer.scoreAhead(place, (await featuresOf(newest)).features);
  }

  return async function scoreProfiles({
    place,
    records,
    next,
    watermarkMs,
    signal,
    time,
  }: RangeWork): Promise<RangeResult> {
    const { newest, deadLetters, late, superseded, maxEventTimeMs } = sorted(records, watermarkMs);
    const { known, features } = await time('features', () => featuresOf(newest));
    const partition = `${place.topic}/${place.partition}`;
    const results = await time('model', () => speculativeScorer.score(partition, features, signal));
    if (next !== undefined) askAhead(partition, next, watermarkMs).catch(() => {}); // whoever reads the range throws

    const scores: Score[] = [];
    const refused: RejectedRecord[] = [];
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

function sorted(records: readonly InputRecord[], watermarkMs: number | null) {
  const now = Date.now();
  return keepNewest(
    records.map((record) => ({ offset: record.offset, outcome: parseProfileEvent(record, now) })),
    ({ kol_id }) => kol_id,
    watermarkMs,
  );
}

const sourceOf = ({ topic, partition }: RangeWork['place']) => ({ topic, partition });
