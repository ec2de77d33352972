import type { Phases } from '../../domain/scoring/partition-totals.ts';

/** Runs a named phase of a micro-batch and adds its duration. */
export interface PhaseTimer {
  <T>(phase: keyof Phases, work: () => Promise<T>): Promise<T>;
  /** Duration of each phase so far, in whole milliseconds. */
  phases(): Phases;
}

export function createPhaseTimer(): PhaseTimer {
  const spent: Partial<Record<keyof Phases, number>> = {};
  const time = async <T>(phase: keyof Phases, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      spent[phase] = (spent[phase] ?? 0) + Math.round(performance.now() - started);
    }
  };
  return Object.assign(time, { phases: () => ({ ...spent }) });
}
