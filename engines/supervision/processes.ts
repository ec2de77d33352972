import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inSeconds, type Report } from '../install/progress.ts';
import type { ManagedProcess, ProcessSpec } from './managed-process.ts';
import { projectFolder } from '../paths.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
// A process that ran this long had recovered: its next failure counts as the first.
const RECOVERED_MS = 60_000;

export interface NodeProcess {
  readonly name: string;
  readonly title: string;
  /** Entry file, relative to the project. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
  readonly isReady: ProcessSpec['isReady'];
}

/** One of our own programs, run from its TypeScript source. */
export function nodeProcess({ name, title, file, env, nodeOptions = [], isReady }: NodeProcess): ProcessSpec {
  return {
    name,
    title,
    command: process.execPath,
    args: [...nodeOptions, '--import', 'tsx', join(projectFolder, file)],
    cwd: projectFolder,
    env,
    isReady,
    startSeconds: 90,
    stopSeconds: 30,
  };
}

/** @returns the pause before the next try after this many failures in a row, in milliseconds: 1 s, 2 s, 4 s … 30 s */
export function restartPause(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, failures - 1));
}

/** Keeps a process running until it is stopped: whenever it ends by itself, it is started again after a pause. */
export class KeptProcess {
  readonly #ended = new AbortController();
  #failures = 0;
  #readySince = 0;
  #restarting: Promise<void> = Promise.resolve();
  #starting: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly process: ManagedProcess,
    private readonly report: Report,
  ) {
    process.onUnexpectedExit = (how) => {
      if (performance.now() - this.#readySince > RECOVERED_MS) this.#failures = 0;
      this.#restarting = this.#restart(how);
    };
  }

  get spec(): ProcessSpec {
    return this.process.spec;
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /**
   * Starts the process, again and again until it is ready.
   * @param signal gives up
   * @throws StartCancelledError when the signal was aborted
   */
  async start(signal: AbortSignal): Promise<number> {
    const starting = this.#startUntilReady(AbortSignal.any([signal, this.#ended.signal]));
    this.#starting = starting.catch(() => undefined);
    return starting;
  }

  /** Stops the process for good. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.process.stop();
    // A start that was under way stops what it has started, and is over only then.
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
        await this.#tellAndPause(error instanceof Error ? error.message : String(error), signal);
      }
    }
  }

  async #restart(how: string): Promise<void> {
    const { title } = this.spec;
    const ended = performance.now();
    try {
      await this.#tellAndPause(
        `${title} ${how}. The end of its log:\n${await this.process.logTail()}`,
        this.#ended.signal,
      );
      await this.start(this.#ended.signal);
      this.report(`${title}: running again after ${inSeconds(performance.now() - ended)}`);
    } catch (error) {
      // Stopped meanwhile: then there is nothing to keep running, and no other error gets here.
      if (!this.#ended.signal.aborted) throw error;
    }
  }

  async #tellAndPause(what: string, signal: AbortSignal): Promise<void> {
    const pause = restartPause(++this.#failures);
    this.report(`${what}\n${this.spec.title}: starting it again in ${inSeconds(pause)}`);
    await sleep(pause, undefined, { signal });
  }
}
