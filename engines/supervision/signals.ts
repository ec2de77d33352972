// A Ctrl-C reaches this program from the terminal and once more from the runner that started it (npm, tsx).
const SAME_KEY_PRESS_MS = 500;

/**
 * @param stop called at the first SIGINT, SIGTERM or SIGHUP
 * @param kill called at the next one
 */
export function onStopSignals(stop: () => void, kill: () => void): void {
  let first: number | undefined;
  const handle = () => {
    const now = performance.now();
    if (first === undefined) {
      first = now;
      stop();
    } else if (now - first > SAME_KEY_PRESS_MS) {
      kill();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
}

/** Waits for a signal to be aborted; unlike its event alone, this keeps the program running. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const alive = setInterval(() => undefined, 60_000);
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}
