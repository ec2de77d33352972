// One Ctrl-C reaches this program twice: from the terminal, and from the runner that started it (npm, tsx).
const SAME_KEY_PRESS_MS = 500;

/**
 * @param stop called on the first SIGINT, SIGTERM or SIGHUP
 * @param kill called on the next one
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

/** Waits until a signal is aborted. Unlike a listener alone, this keeps the program running. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const keepAlive = setInterval(() => undefined, 60_000);
    signal.addEventListener('abort', () => {
      clearInterval(keepAlive);
      resolve();
    });
  });
}
