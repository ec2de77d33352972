import { mergePartsAndScopes, partsAndScopesOf, type EtlLoad, type PartsAndScopes } from './etl-load.ts';

/** Unserved loads, merged into one. Its size does not grow with their number. */
export interface WaitingLoads extends PartsAndScopes {
  readonly loads: number;
  /** The first pipelines that reported one of them. */
  readonly pipelines: readonly string[];
}

/** Loads that wait for the next warm. */
interface LoadQueue {
  add(load: EtlLoad): void;
  /** Puts back loads that were taken. */
  putBack(loads: WaitingLoads): void;
  /** Removes all loads from the queue. */
  take(): WaitingLoads;
  /** All loads; they stay in the queue. */
  waiting(): WaitingLoads;
  isEmpty(): boolean;
}

export const NO_LOADS: WaitingLoads = { loads: 0, parts: [], scopes: {}, pipelines: [] };

/** Pipelines that the summary of a warm names. */
const MAX_PIPELINES = 10;
/** Merge only after this many loads: a merge copies all waiting ids, and thousands of loads can arrive in one workflow task. */
const MERGE_EVERY = 100;

/** @param initial loads that wait already */
export function createLoadQueue(initial: WaitingLoads = NO_LOADS): LoadQueue {
  let merged = initial;
  let recent: EtlLoad[] = [];

  const waiting = () => (recent.length === 0 ? merged : merge(merged, summarize(recent)));
  const set = (loads: WaitingLoads) => {
    merged = loads;
    recent = [];
  };
  return {
    add(load) {
      recent.push(load);
      if (recent.length >= MERGE_EVERY) set(waiting());
    },
    putBack: (loads) => set(merge(loads, waiting())),
    take() {
      const taken = waiting();
      set(NO_LOADS);
      return taken;
    },
    waiting,
    isEmpty: () => merged.loads === 0 && recent.length === 0,
  };
}

const summarize = (loads: readonly EtlLoad[]): WaitingLoads => ({
  ...partsAndScopesOf(loads),
  loads: loads.length,
  pipelines: loads.map(({ pipeline = 'unknown' }) => pipeline),
});

const merge = (first: WaitingLoads, second: WaitingLoads): WaitingLoads => ({
  ...mergePartsAndScopes([first, second]),
  loads: first.loads + second.loads,
  pipelines: [...new Set([...first.pipelines, ...second.pipelines])].slice(0, MAX_PIPELINES),
});
