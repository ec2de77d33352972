import { formatSeconds, type Report } from '../report.ts';

const REPORT_EVERY_SECONDS = 15;

/**
 * Runs a long step. Reports its start, its progress every 15 s, and its duration, as plain lines that read the same in a terminal,
 * a log and a build server.
 * @param work receives a function that sets the current detail ("file 12: x.jar"), which the next progress line shows
 */
export async function withProgress<T>(
  report: Report,
  step: string,
  work: (onDetail: (detail: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const elapsed = () => formatSeconds(performance.now() - started);
  let current = '';
  report(`${step} …`);
  const timer = setInterval(() => {
    report(`${step}: in progress for ${elapsed()}${current && ` (${current})`}`);
  }, REPORT_EVERY_SECONDS * 1000);
  try {
    const result = await work((detail) => (current = detail));
    report(`${step}: done in ${elapsed()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
