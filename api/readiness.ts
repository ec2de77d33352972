import { createSingleFlight } from '../cache/reading/single-flight.ts';

/** Asks one needed part whether it serves; rejects when it does not. */
export type Check = (signal: AbortSignal) => Promise<unknown>;

export interface PartState {
  readonly state: 'up' | 'down';
  readonly latency_ms: number;
}

export interface ReadinessReport {
  /** Reads are served as long as one part is up: `degraded` is slower, or limited to what is cached. */
  readonly status: 'ready' | 'degraded' | 'unavailable';
  readonly parts: Readonly<Record<string, PartState>>;
}

export type Readiness = () => Promise<ReadinessReport>;

/** A part that takes longer than this cannot serve. */
const CHECK_SECONDS = 3;
/** A report is used again this long: anybody may ask, and each look is a query. */
const REPORT_SECONDS = 2;

/**
 * Looks at the parts that reads need, side by side.
 * @param onDown told why a part is down; the report itself shows nothing of the inside
 */
export function createReadiness(
  checks: Readonly<Record<string, Check>>,
  onDown: (part: string, error: unknown) => void,
): Readiness {
  const flights = createSingleFlight<ReadinessReport>();
  let latest: { readonly at: number; readonly report: ReadinessReport } | undefined;

  async function state(part: string, check: Check): Promise<PartState> {
    const started = performance.now();
    const latency = () => Number((performance.now() - started).toFixed(1));
    try {
      await check(AbortSignal.timeout(CHECK_SECONDS * 1000));
      return { state: 'up', latency_ms: latency() };
    } catch (error) {
      onDown(part, error);
      return { state: 'down', latency_ms: latency() };
    }
  }

  async function look(): Promise<ReadinessReport> {
    const states = await Promise.all(
      Object.entries(checks).map(async ([part, check]) => [part, await state(part, check)] as const),
    );
    const up = states.filter(([, { state: found }]) => found === 'up').length;
    const status = up === states.length ? 'ready' : up > 0 ? 'degraded' : 'unavailable';
    const report: ReadinessReport = { status, parts: Object.fromEntries(states) };
    latest = { at: performance.now(), report };
    return report;
  }

  return async () => {
    if (latest && performance.now() - latest.at < REPORT_SECONDS * 1000) return latest.report;
    return (await flights.share('report', look)).result;
  };
}
