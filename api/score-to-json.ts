import type { ReadResult } from '../cache/reading/read-result.ts';
import type { Score } from '../domain/entities/score.ts';
import { isHit } from './send-read.ts';

/**
 * A score as the API returns it. `cold`: the model computed it for this request, from features in the lakehouse. Any other score may be
 * newer than the last load.
 */
export const scoreToJson = (score: Score, read: ReadResult<Score>): Score & { cold: boolean } => ({
  ...score,
  cold: !isHit(read),
});
