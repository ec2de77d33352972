import type { ScoreResult, MlApi } from '../../clients/ml-api.ts';
import type { ModelFeatures } from '../../domain/scoring/model-features.ts';

/** The model's answers, some of them asked for before they are wanted. */
export interface SpeculativeScorer {
  /** How many profiles it pays to ask about ahead. */
  readonly capacity: () => number;
  /** Asks about profiles that will be wanted next at a place, instead of those before. It never throws. */
  scoreAhead(place: string, profiles: readonly ModelFeatures[]): void;
  /** As {@link MlApi.score}; what was asked ahead, and answered, is not asked again. */
  score(place: string, profiles: readonly ModelFeatures[], signal?: AbortSignal): Promise<ScoreResult[]>;
}

/** What was asked is told by the features: a profile whose features are others by now is asked about anew. */
const questionOf = (profile: ModelFeatures): string => JSON.stringify(profile);

type Answers = ReadonlyMap<string, ScoreResult>;

/**
 * Keeps the model busy between two ranges of a partition, while the first is committed and the second is planned. An answer
 * depends on nothing but the features, so that it may come early; what becomes of it is decided with the range it is for.
 */
export function createSpeculativeScorer(mlApi: MlApi): SpeculativeScorer {
  const asked = new Map<
    string,
    { readonly questions: ReadonlySet<string>; readonly answers: Promise<Answers> }
  >();

  async function ask(profiles: readonly ModelFeatures[], signal?: AbortSignal): Promise<Answers> {
    if (profiles.length === 0) return new Map();
    const results = await mlApi.score(profiles, signal);
    return new Map(
      profiles.flatMap((profile, index) => {
        const result = results[index];
        return result === undefined ? [] : [[questionOf(profile), result] as const];
      }),
    );
  }

  return {
    capacity: () => mlApi.speculativeCapacity(),
    scoreAhead(place, profiles) {
      const answers = ask(profiles).catch((): Answers => new Map()); // they are asked again, and that throws
      asked.set(place, { questions: new Set(profiles.map(questionOf)), answers });
    },
    async score(place, profiles, signal) {
      const held = asked.get(place);
      asked.delete(place);
      if (held === undefined) return mlApi.score(profiles, signal);
      const isHeld = (profile: ModelFeatures) => held.questions.has(questionOf(profile));
      const others = profiles.filter((profile) => !isHeld(profile));
      const [early, rest] = await Promise.all([held.answers, ask(others, signal)]);
      const unanswered = profiles.filter((profile) => isHeld(profile) && !early.has(questionOf(profile)));
      const answers = new Map([...early, ...rest, ...(await ask(unanswered, signal))]);
      return profiles.map((profile) => {
        const answer = answers.get(questionOf(profile));
        if (answer === undefined)
          throw new Error('The ML API client answered fewer results than it was asked for');
        return answer;
      });
    },
  };
}
