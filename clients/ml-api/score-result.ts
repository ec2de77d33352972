import type { Prediction } from '../../domain/scoring/prediction.ts';

/** The model does not score this profile; a retry has the same result. */
interface Refusal {
  readonly refused: string;
}

export type ScoreResult = Prediction | Refusal;
export const isRefusal = (result: ScoreResult): result is Refusal => 'refused' in result;
