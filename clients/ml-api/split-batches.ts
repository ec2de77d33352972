import type { ModelFeatures } from '../../domain/scoring/model-features.ts';
import { normalisedId } from './predictions.ts';

/**
 * Splits profiles into batches in which no two have the same id, as far as a service tells ids apart. The answers to a batch are
 * matched by id: with one name on two platforms in it, each could get the score of the other. Each profile goes into the first batch
 * that has room for it.
 */
export function splitBatches(profiles: readonly ModelFeatures[], size: number): ModelFeatures[][] {
  const batches: Map<string, ModelFeatures>[] = [];
  for (const profile of profiles) {
    const id = normalisedId(profile.kol_id);
    let batch = batches.find((each) => each.size < size && !each.has(id));
    if (batch === undefined) batches.push((batch = new Map<string, ModelFeatures>()));
    batch.set(id, profile);
  }
  return batches.map((batch) => [...batch.values()]);
}
