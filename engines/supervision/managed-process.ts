import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessStartError, StartCancelledError } from '../errors.ts';
import { inSeconds } from '../install/progress.ts';
import type { StackPaths } from '../paths.ts';
import { recordProcess, signalGroup, signalProcess } from './process-record.ts';

/** What to run and how to see that it is ready. */
export interface ProcessSpec {
  /** Names its log and its process file. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Writes configuration and makes folders, before each start. */
  readonly prepare?: () => Promise<void>;
  /**
   * Asks the process over its own protocol.
   * @param newLog reads what it has logged since this start
   * @returns or resolves false while it is not ready; throwing says the same, with a reason
   */
  readonly isReady: (newLog: () => Promise<string>) => Promise<boolean>;
  readonly startSeconds: number;
  /** How long it may take to stop before it is killed. */
  readonly stopSeconds: number;
}

const QUOTED_LOG_LINES = 15;

/**
 * One child process: started until it is ready, stopped gently. It runs in a process group of its own, so a Ctrl-C in
 * the terminal reaches only the program that started it, and that one stops the children in order.
 */
export class ManagedProcess {
  /** Called when the process ends although nobody stopped it. */
  onUnexpectedExit: ((how: string) => void) | undefined;
  #child: ChildProcess | undefined;
  #stopping = false;
  #ready = false;
  #logStart = 0;
  #lastExit = '';

  constructor(
    readonly spec: ProcessSpec,
    private readonly paths: StackPaths,
  ) {}

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Starts the process and waits until it is ready.
   * @returns how long that took, in milliseconds
   * @throws ProcessStartError when it runs already, ends or is not ready in time, quoting its log; it is stopped then
   * @throws StartCancelledError when the signal is aborted; it is stopped then
   */
  async start(signal?: AbortSignal): Promise<number> {
    if (this.#child) throw new ProcessStartError(`${this.spec.title} runs already (process ${this.pid})`);
    const started = performance.now();
    await this.spec.prepare?.();
    this.#throwIfCancelled(signal);
    await this.#spawn();
    try {
      await this.#waitUntilReady(started, signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#ready = true;
    return performance.now() - started;
  }

  /** Asks the process to end, waits, and kills it if it takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child?.pid === undefined) return;
    const exited = once(child, 'exit');
    signalProcess(child.pid, 'SIGTERM');
    const grace = new AbortController();
    const late = sleep(this.spec.stopSeconds * 1000, 'late', { signal: grace.signal }).catch(() => undefined);
    if ((await Promise.race([exited, late])) === 'late') {
      signalGroup(child.pid, 'SIGKILL');
      await exited;
    }
    grace.abort();
  }

  /** Kills the process at once, as a crash would, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const exited = once(child, 'exit');
    signalGroup(child.pid, 'SIGKILL');
    await exited;
  }

  /** The last lines of its log, indented for an error message. */
  async logTail(): Promise<string> {
    const lines = (await this.#newLog()).trimEnd().split('\n').slice(-QUOTED_LOG_LINES);
    return lines.map((line) => `  | ${line}`).join('\n');
  }

  async #spawn(): Promise<void> {
    const { name, command, args, cwd, env } = this.spec;
    mkdirSync(this.paths.logs, { recursive: true });
    this.#stopping = false;
    this.#ready = false;
    this.#logStart = await stat(this.paths.log(name)).then(
      (file) => file.size,
      () => 0,
    );
    // The child writes to the file itself: its log goes on even if this program is killed.
    const log = openSync(this.paths.log(name), 'a');
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    child.once('exit', (code, exitSignal) =>
      this.#exited(code === null ? `was ended by ${exitSignal}` : `ended with exit code ${code}`),
    );
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => {
        this.#child = undefined;
        reject(
          new ProcessStartError(`${this.spec.title} cannot be started: ${error.message}`, { cause: error }),
        );
      });
    });
    if (child.pid !== undefined) await recordProcess(this.paths.process(name), child.pid);
  }

  #exited(how: string): void {
    this.#child = undefined;
    // At once, since this program may be about to end as well.
    rmSync(this.paths.process(this.spec.name), { force: true });
    if (!this.#stopping && this.#ready) this.onUnexpectedExit?.(how);
    this.#ready = false;
    this.#lastExit = how;
  }

  async #waitUntilReady(started: number, signal: AbortSignal | undefined): Promise<void> {
    const { title, startSeconds, isReady } = this.spec;
    let reason = '';
    while (performance.now() - started < startSeconds * 1000) {
      this.#throwIfCancelled(signal);
      if (!this.#child) throw await this.#startError(`${title} ${this.#lastExit} while it was starting`);
      try {
        if (await isReady(() => this.#newLog())) return;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
      await sleep(100);
    }
    throw await this.#startError(
      `${title} was not ready after ${inSeconds(startSeconds * 1000)}${reason && ` (${reason})`}`,
    );
  }

  async #startError(what: string): Promise<ProcessStartError> {
    return new ProcessStartError(
      `${what}. The end of ${this.paths.log(this.spec.name)}:\n${await this.logTail()}`,
    );
  }

  #throwIfCancelled(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new StartCancelledError(`The start of ${this.spec.title} was called off`);
  }

  async #newLog(): Promise<string> {
    const path = this.paths.log(this.spec.name);
    if (this.#logStart === 0) return readFile(path, 'utf8').catch(() => '');
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const { buffer } = await file.read(Buffer.alloc(Math.max(0, size - this.#logStart)), {
        position: this.#logStart,
      });
      return buffer.toString('utf8');
    } finally {
      await file.close();
    }
  }
}
