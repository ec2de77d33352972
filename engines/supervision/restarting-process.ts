import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../domain/values/message-of.ts';
import { formatSeconds, type Report } from '../report.ts';
import type { ManagedProcess, ProcessSpec } from './managed-process.ts';

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 30_000;
/** A process that was ready for this long has recovered: its next failure counts as the first. */
const RECOVERED_MS = 60_000;

/** @returns the delay before the next start after this many failures in a row, in milliseconds: 1 s, 2 s, 4 s … 30 s */
export function restartDelayMs(failures: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1));
}

/** Keeps a process running until `stop` is called: restarts it with exponential backoff whenever it exits on its own. */
export class RestartingProcess {
  readonly #stopped = new AbortController();
  #failures = 0;
  #readySince = 0;
  #restarting: Promise<void> = Promise.resolve();
  #starting: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly process: ManagedProcess,
    private readonly report: Report,
  ) {
    process.onUnexpectedExit = (exit) => {
      if (performance.now() - this.#readySince > RECOVERED_MS) this.#failures = 0;
      this.#restarting = this.#restart(exit);
    };
  }

  get spec(): ProcessSpec {
    return this.process.spec;
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /**
   * Starts the process and retries until it is ready.
   * @param signal stops the retries
   * @returns how long the start took, in milliseconds
   * @throws StartCancelledError when the signal is aborted
   */
  async start(signal: AbortSignal): Promise<number> {
    const starting = this.#startUntilReady(AbortSignal.any([signal, this.#stopped.signal]));
    this.#starting = starting.catch(() => undefined);
    return starting;
  }

  /** Stops the process and its restarts. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.process.stop();
    // A start in progress stops its own child process: wait for that too.
    await Promise.all([this.#starting, this.#restarting]);
  }

  async #startUntilReady(signal: AbortSignal): Promise<number> {
    const started = performance.now();
    for (;;) {
      try {
        await this.process.start(signal);
        this.#readySince = performance.now();
        return performance.now() - started;
      } catch (error) {
        if (signal.aborted) throw error;
        await this.#reportAndDelay(messageOf(error), signal);
      }
    }
  }

  async #restart(exit: string): Promise<void> {
    const { title } = this.spec;
    const exitedAt = performance.now();
    try {
      await this.#reportAndDelay(
        `${title} ${exit}. Last lines of its log:\n${await this.process.logTail()}`,
        this.#stopped.signal,
      );
      await this.start(this.#stopped.signal);
      this.report(`${title}: running again after ${formatSeconds(performance.now() - exitedAt)}`);
    } catch (error) {
      // `stop` was called during the restart, so there is nothing left to restart.
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  async #reportAndDelay(problem: string, signal: AbortSignal): Promise<void> {
    const delay = restartDelayMs(++this.#failures);
    this.report(`${problem}\n${this.spec.title}: restarting in ${formatSeconds(delay)}`);
    await sleep(delay, undefined, { signal });
  }
}
