import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { processorSeconds } from '../core-shares.ts';

/** A server under load. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

/** What a server did under load. */
export interface Load {
  readonly requestsPerSecond: number;
  /** Requests for each second of processor time of the server: it does not depend on what the load generator can send. */
  readonly requestsPerCoreSecond: number;
}

/** What wrk-report.lua prints. */
interface WrkReport {
  readonly requests: number;
  readonly seconds: number;
  readonly not2xx: number;
  readonly failed: number;
}

const CONNECTIONS = 32;
const REPORT_SCRIPT = fileURLToPath(new URL('wrk-report.lua', import.meta.url));

/**
 * Sends as many requests as the server answers, with wrk: it is written in C, so that it leaves a core to the server.
 * @throws Error when wrk is not installed, or an answer is not a 200
 */
export async function measureLoad({ name, url, pid }: Target, seconds: number): Promise<Load> {
  const before = processorSeconds(pid);
  const report = await runWrk(url, seconds);
  const { requests, not2xx, failed } = report;
  if (not2xx + failed > 0)
    throw new Error(`${name}: ${not2xx} answers were not 200, ${failed} requests failed`);
  return {
    requestsPerSecond: requests / report.seconds,
    requestsPerCoreSecond: requests / (processorSeconds(pid) - before),
  };
}

async function runWrk(url: string, seconds: number): Promise<WrkReport> {
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '-s', REPORT_SCRIPT, url];
  const { stdout } = await execa('wrk', args).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new Error('wrk is not on PATH: install it with your package manager (Debian: apt-get install wrk)');
  });
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n{'))) as WrkReport;
}
