import type { MlApi, ScoreResult } from '../../clients/ml-api.ts';
import type { ModelFeatures } from '../../domain/scoring/model-features.ts';

/** Scores profiles, some of them before their range is processed. */
export interface SpeculativeScorer {
  /** How many profiles are worth scoring ahead. */
  readonly capacity: () => number;
  /** Requests scores that the next range of a partition will need, and replaces the previous request. It never throws. */
  scoreAhead(partition: string, profiles: readonly ModelFeatures[]): void;
  /** As {@link MlApi.score}. Scores that were requested ahead and answered are not requested again. */
  score(partition: string, profiles: readonly ModelFeatures[], signal?: AbortSignal): Promise<ScoreResult[]>;
}

/** A score depends only on the features. When the features change after a speculative request, the key changes too. */
const keyOf = (features: ModelFeatures): string => JSON.stringify(features);

type Scores = ReadonlyMap<string, ScoreResult>;
interface Requested {
  readonly keys: ReadonlySet<string>;
  readonly scores: Promise<Scores>;
}

/**
 * Keeps the model busy between two ranges of a partition, while the first is committed and the second is planned. A score may be
 * early, because it depends only on the features; whether it is used is decided when its range is processed.
 */
export function createSpeculativeScorer(mlApi: MlApi): SpeculativeScorer {
  const ahead = new Map<string, Requested>();

  async function request(profiles: readonly ModelFeatures[], signal?: AbortSignal): Promise<Scores> {
    if (profiles.length === 0) return new Map();
    const results = await mlApi.score(profiles, signal);
    return new Map(
      profiles.flatMap((profile, index) => {
        const result = results[index];
        return result === undefined ? [] : [[keyOf(profile), result] as const];
      }),
    );
  }

  return {
    capacity: () => mlApi.speculativeCapacity(),
    scoreAhead(partition, profiles) {
      // Ignore a failure here: the profiles are requested again with their range, and that request throws.
      const scores = request(profiles).catch((): Scores => new Map());
      ahead.set(partition, { keys: new Set(profiles.map(keyOf)), scores });
    },
    async score(partition, profiles, signal) {
      const requested = ahead.get(partition);
      ahead.delete(partition);
      if (requested === undefined) return mlApi.score(profiles, signal);
      const wasRequested = (profile: ModelFeatures) => requested.keys.has(keyOf(profile));
      const others = profiles.filter((profile) => !wasRequested(profile));
      const [early, rest] = await Promise.all([requested.scores, request(others, signal)]);
      const unanswered = profiles.filter((profile) => wasRequested(profile) && !early.has(keyOf(profile)));
      const scores = new Map([...early, ...rest, ...(await request(unanswered, signal))]);
      return profiles.map((profile) => {
        const score = scores.get(keyOf(profile));
        if (score === undefined) throw new Error('The ML API client returned fewer results than profiles');
        return score;
      });
    },
  };
}
