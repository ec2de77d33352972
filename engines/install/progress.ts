/** Prints one line for people to read. */
export type Report = (line: string) => void;

const STILL_EVERY_SECONDS = 15;

/** @returns whole seconds, or one decimal below ten: "0.4 s", "72 s" */
export function inSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/**
 * Runs a long step and says what is done, how far it is every 15 s, and how long it took. Plain lines, so that it
 * reads the same in a terminal, a log and a build server.
 * @param work gets a function that takes the newest detail ("jar 12 of 45"), shown in the next line
 */
export async function withProgress<T>(
  report: Report,
  what: string,
  work: (detail: (text: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  let newest = '';
  report(`${what} …`);
  const timer = setInterval(() => {
    report(`${what}: still at it … ${inSeconds(performance.now() - started)}${newest && ` (${newest})`}`);
  }, STILL_EVERY_SECONDS * 1000);
  try {
    const result = await work((text) => (newest = text));
    report(`${what}: done in ${inSeconds(performance.now() - started)}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
