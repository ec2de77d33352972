import { fingerprint } from '../values/fingerprint.ts';
import { duplicateKeyOf, type EtlLoad } from './etl-load.ts';

/** `taken`: the load waits for its warm. */
export type LoadState = 'taken' | 'warming' | 'done' | 'failed';

/** The warm that serves a load. */
interface LoadWarm {
  /** Null when the load made nothing in the cache stale. */
  readonly workflowId: string | null;
  /** Ms since 1970; null while the warm runs. */
  readonly endedMs: number | null;
  /** Why the warm failed; null when it did not. */
  readonly error: string | null;
}

/**
 * A load with a run id. Names from the sender are kept as fingerprints, because they can be long and the memory must fit into one payload.
 */
interface RememberedLoad {
  readonly key: string;
  readonly run: string;
  readonly pipeline: string;
  readonly tables: readonly string[];
  readonly takenMs: number;
  /** When the tables were loaded, or, if unknown, when the load arrived. Ms since 1970. */
  readonly loadedMs: number;
  /** The same load arrived again before its warm had ended. */
  readonly repeated: boolean;
}

type Entry = RememberedLoad & { readonly warm: LoadWarm | null };

/** The memory as plain data. Loads of one warm share it. */
export interface LoadMemorySnapshot {
  readonly loads: readonly (RememberedLoad & { /** Index in `warms`. */ readonly warm: number | null })[];
  readonly warms: readonly LoadWarm[];
}

/** Names the loads of one pipeline run. */
export interface EtlRunSelector {
  readonly runId: string;
  /** Only the loads of this pipeline. Schedulers give runs of different pipelines the same id. */
  readonly pipeline?: string | undefined;
}

/** A remembered load, for its sender. */
interface LoadOutcome {
  readonly tables: readonly string[];
  readonly state: LoadState;
  readonly takenMs: number;
  readonly warm: LoadWarm | null;
}

/** The states of the latest loads with a run id. */
interface LoadMemory {
  /** Adds a load. @returns false for a repeat: the same load of the same run, not loaded later, whose warm did not fail */
  add(load: EtlLoad, nowMs: number): boolean;
  /** Marks all `taken` loads as served by this warm. */
  startWarm(workflowId: string): void;
  /** Marks all `taken` loads as done, because they made nothing stale. */
  skipWarm(nowMs: number): void;
  /** The warm has ended. @param error why it failed, otherwise null */
  endWarm(error: string | null, nowMs: number): void;
  /** Whether a load of the running warm was sent again during that warm. */
  wasRepeated(): boolean;
  /** Marks the loads of the running warm as `taken` again. */
  retakeLoads(): void;
  /** Loads of a run, oldest first. */
  find(run: EtlRunSelector): LoadOutcome[];
  snapshot(): LoadMemorySnapshot;
}

/** Finished loads are remembered for this time after their arrival, up to this number. */
export const ETL_MEMORY_HOURS = 24;
export const ETL_FINISHED_LOADS = 1000;
/** Maximum number of remembered unfinished loads. Others are warmed too, but their state cannot be queried. */
export const ETL_UNFINISHED_LOADS = 2000;
/** Characters of an error that are kept. The snapshot of 3000 loads must fit in a payload of Temporal (2 MB). */
const MAX_ERROR = 150;

const EMPTY: LoadMemorySnapshot = { loads: [], warms: [] };

/** @param known the snapshot of an earlier instance. No warm may have been running. */
export function createLoadMemory(known: LoadMemorySnapshot = EMPTY): LoadMemory {
  // A Map keeps insertion order, so the oldest load is first.
  const unfinished = new Map<string, Entry>();
  const finished = new Map<string, Entry>();
  let running: LoadWarm | null = null;

  for (const { warm, ...load } of known.loads)
    if (warm === null) unfinished.set(load.key, { ...load, warm });
    else finished.set(load.key, { ...load, warm: known.warms[warm] ?? null });

  const withWarm = (warm: LoadWarm | null) => [...unfinished.values()].filter((entry) => entry.warm === warm);

  function finish(entries: readonly Entry[], warm: LoadWarm): void {
    for (const entry of entries) {
      unfinished.delete(entry.key);
      finished.set(entry.key, { ...entry, warm });
    }
    deleteOldest(finished, ETL_FINISHED_LOADS);
  }

  function forgetExpired(nowMs: number): void {
    for (const [key, { takenMs }] of finished) {
      if (nowMs - takenMs < ETL_MEMORY_HOURS * 3_600_000) return;
      finished.delete(key);
    }
  }

  return {
    add(load, nowMs) {
      const entry = newEntry(load, nowMs);
      if (entry === undefined) return true;
      forgetExpired(nowMs);
      const earlier = unfinished.get(entry.key) ?? finished.get(entry.key);
      if (earlier !== undefined && !supersedes(load, earlier)) {
        if (unfinished.has(entry.key)) unfinished.set(entry.key, { ...earlier, repeated: true });
        return false;
      }
      unfinished.delete(entry.key);
      finished.delete(entry.key);
      unfinished.set(entry.key, entry);
      deleteOldest(unfinished, ETL_UNFINISHED_LOADS);
      return true;
    },
    startWarm(workflowId) {
      const warm = { workflowId, endedMs: null, error: null };
      for (const entry of withWarm(null)) unfinished.set(entry.key, { ...entry, warm });
      running = warm;
    },
    skipWarm: (nowMs) => finish(withWarm(null), { workflowId: null, endedMs: nowMs, error: null }),
    endWarm(error, nowMs) {
      if (running === null) return;
      const ended = { ...running, endedMs: nowMs, error: error?.slice(0, MAX_ERROR) ?? null };
      finish(withWarm(running), ended);
      running = null;
    },
    wasRepeated: () => running !== null && withWarm(running).some(({ repeated }) => repeated),
    retakeLoads() {
      if (running === null) return;
      for (const entry of withWarm(running))
        unfinished.set(entry.key, { ...entry, warm: null, repeated: false });
      running = null;
    },
    find({ runId, pipeline }) {
      const run = fingerprint(runId);
      const by = pipeline === undefined ? undefined : fingerprint(pipeline);
      return [...finished.values(), ...unfinished.values()]
        .filter((entry) => entry.run === run && (by === undefined || entry.pipeline === by))
        .map(({ tables, takenMs, warm }) => ({ tables, takenMs, warm, state: stateOf(warm) }))
        .sort((one, other) => one.takenMs - other.takenMs);
    },
    snapshot: () => toSnapshot([...finished.values(), ...unfinished.values()]),
  };
}

function toSnapshot(entries: readonly Entry[]): LoadMemorySnapshot {
  const warms = [...new Set(entries.flatMap(({ warm }) => warm ?? []))];
  const indexes = new Map(warms.map((warm, index) => [warm, index]));
  const loads = entries.map(({ warm, ...load }) => ({
    ...load,
    warm: warm === null ? null : (indexes.get(warm) ?? null),
  }));
  return { loads, warms };
}

/** Undefined for a load without a run id. */
function newEntry(load: EtlLoad, nowMs: number): Entry | undefined {
  const { runId, pipeline = '', tables, loadedAt } = load;
  const key = duplicateKeyOf(load);
  if (key === undefined || runId === undefined) return undefined;
  return {
    key,
    run: fingerprint(runId),
    pipeline: fingerprint(pipeline),
    tables,
    takenMs: nowMs,
    loadedMs: loadedAt === undefined ? nowMs : Date.parse(loadedAt),
    repeated: false,
    warm: null,
  };
}

const supersedes = ({ loadedAt }: EtlLoad, { loadedMs, warm }: Entry): boolean =>
  stateOf(warm) === 'failed' || (loadedAt !== undefined && Date.parse(loadedAt) > loadedMs);

function stateOf(warm: LoadWarm | null): LoadState {
  if (warm === null) return 'taken';
  if (warm.endedMs === null) return 'warming';
  return warm.error === null ? 'done' : 'failed';
}

function deleteOldest(entries: Map<string, Entry>, max: number): void {
  for (const key of entries.keys()) {
    if (entries.size <= max) return;
    entries.delete(key);
  }
}
