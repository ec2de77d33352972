import { abortable } from '../domain/values/abortable.ts';

/** Checks one dependency of reads. Rejects when it does not answer. */
export type Check = (signal: AbortSignal) => Promise<unknown>;

interface PartState {
  readonly state: 'up' | 'down';
  readonly latency_ms: number;
}

interface ReadinessReport {
  /**
   * Reads are served while at least one part is up. `degraded`: slower, or only cached data. `stopping`: still serves reads, but load
   * balancers must send no more.
   */
  readonly status: 'ready' | 'degraded' | 'unavailable' | 'stopping';
  readonly parts: Readonly<Record<string, PartState>>;
}

export type Readiness = () => Promise<ReadinessReport>;

/** Reports `stopping` after the signal has aborted. */
export const untilStopping =
  (readiness: Readiness, stopping: AbortSignal): Readiness =>
  async () =>
    stopping.aborted ? { status: 'stopping', parts: {} } : readiness();

/** A part that takes longer than this counts as down. Probes of load balancers wait 2 s or more. */
const CHECK_MS = 1500;
/** A report is reused for this long: the endpoint is public, and each check costs a Trino query. */
const REPORT_SECONDS = 2;

/**
 * Creates a function that checks all parts in parallel and reports their states.
 * @param onDown receives the reason why a part is down; the report itself shows no internal details
 */
export function createReadiness(
  checks: Readonly<Record<string, Check>>,
  onDown: (part: string, error: unknown) => void,
): Readiness {
  /** The check in progress; concurrent requests share it. */
  let running: Promise<ReadinessReport> | undefined;
  let latest: { readonly at: number; readonly report: ReadinessReport } | undefined;

  async function checkPart(part: string, check: Check): Promise<PartState> {
    const started = performance.now();
    const latency = () => Number((performance.now() - started).toFixed(1));
    try {
      // Do not wait for the end of the check: an aborted query first waits for its cancellation in Trino.
      await abortable([AbortSignal.timeout(CHECK_MS)], ({ signal }) => check(signal));
      return { state: 'up', latency_ms: latency() };
    } catch (error) {
      onDown(part, error);
      return { state: 'down', latency_ms: latency() };
    }
  }

  async function checkAll(): Promise<ReadinessReport> {
    const states = await Promise.all(
      Object.entries(checks).map(async ([part, check]) => [part, await checkPart(part, check)] as const),
    );
    const up = states.filter(([, { state }]) => state === 'up').length;
    const status = up === states.length ? 'ready' : up > 0 ? 'degraded' : 'unavailable';
    const report: ReadinessReport = { status, parts: Object.fromEntries(states) };
    latest = { at: performance.now(), report };
    return report;
  }

  return async () => {
    if (latest && performance.now() - latest.at < REPORT_SECONDS * 1000) return latest.report;
    running ??= checkAll().finally(() => (running = undefined));
    return running;
  };
}
