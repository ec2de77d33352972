import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../domain/values/message-of.ts';
import { ProcessStartError, StartCancelledError } from '../errors.ts';
import type { StackPaths } from '../paths.ts';
import { formatSeconds } from '../report.ts';
import { recordProcess } from './process-record.ts';
import { signalGroup, signalProcess } from './send-signal.ts';

/** The command of a process, and its readiness check. */
export interface ProcessSpec {
  /** File name of its log and its process record. */
  readonly name: string;
  /** Name in messages to people. */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Writes configuration and creates folders before each start. */
  readonly prepare?: () => Promise<void>;
  /**
   * Checks readiness over the protocol of the process.
   * @param newLog reads what the process has logged since this start
   * @returns false while it is not ready
   * @throws Error when it is not ready; the message is the reason to report
   */
  readonly isReady: (newLog: () => Promise<string>) => Promise<boolean>;
  readonly startSeconds: number;
  /** Time to stop after SIGTERM; then it is killed. */
  readonly stopSeconds: number;
}

const QUOTED_LOG_LINES = 15;

/**
 * One child process: `start` waits until it is ready, `stop` sends SIGTERM first. It runs in its own process group, so Ctrl-C in
 * the terminal reaches only the parent program, which then stops its children in order.
 */
export class ManagedProcess {
  /** Called when the process exits on its own after it was ready. */
  onUnexpectedExit: ((exit: string) => void) | undefined;
  #child: ChildProcess | undefined;
  #stopping = false;
  #ready = false;
  #logStart = 0;
  #lastExit = '';

  constructor(
    readonly spec: ProcessSpec,
    private readonly paths: StackPaths,
  ) {}

  /** Process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Starts the process and waits until it is ready. A process that fails to become ready is stopped.
   * @returns how long the start took, in milliseconds
   * @throws ProcessStartError when it already runs, exits or is not ready in time; the message quotes its log
   * @throws StartCancelledError when the signal is aborted
   */
  async start(signal?: AbortSignal): Promise<number> {
    if (this.#child)
      throw new ProcessStartError(`${this.spec.title} is already running (process ${this.pid})`);
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

  /** Sends SIGTERM, waits up to `stopSeconds`, then kills the process. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child?.pid === undefined) return;
    const exited = once(child, 'exit');
    signalProcess(child.pid, 'SIGTERM');
    const grace = new AbortController();
    const timeout = sleep(this.spec.stopSeconds * 1000, 'timeout', { signal: grace.signal }).catch(
      () => undefined,
    );
    if ((await Promise.race([exited, timeout])) === 'timeout') {
      signalGroup(child.pid, 'SIGKILL');
      await exited;
    }
    grace.abort();
  }

  /** Sends SIGKILL, which looks like a crash to the process, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const exited = once(child, 'exit');
    signalGroup(child.pid, 'SIGKILL');
    await exited;
  }

  /** The last lines of the log since this start, indented for an error message. */
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
    // The child writes to the file directly, so logging continues even when this program is killed.
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
      this.#onExit(code === null ? `was killed by ${exitSignal}` : `exited with code ${code}`),
    );
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => {
        this.#child = undefined;
        reject(new ProcessStartError(`Cannot start ${this.spec.title}: ${error.message}`, { cause: error }));
      });
    });
    if (child.pid !== undefined) await recordProcess(this.paths.process(name), child.pid);
  }

  #onExit(exit: string): void {
    this.#child = undefined;
    // Synchronously, because this program may be about to exit too.
    rmSync(this.paths.process(this.spec.name), { force: true });
    if (!this.#stopping && this.#ready) this.onUnexpectedExit?.(exit);
    this.#ready = false;
    this.#lastExit = exit;
  }

  async #waitUntilReady(started: number, signal: AbortSignal | undefined): Promise<void> {
    const { title, startSeconds, isReady } = this.spec;
    let reason = '';
    while (performance.now() - started < startSeconds * 1000) {
      this.#throwIfCancelled(signal);
      if (!this.#child) throw await this.#startError(`${title} ${this.#lastExit} during its start`);
      try {
        if (await isReady(() => this.#newLog())) return;
      } catch (error) {
        reason = messageOf(error);
      }
      await sleep(100);
    }
    throw await this.#startError(
      `${title} was not ready within ${formatSeconds(startSeconds * 1000)}${reason && ` (${reason})`}`,
    );
  }

  async #startError(problem: string): Promise<ProcessStartError> {
    return new ProcessStartError(
      `${problem}. Last lines of ${this.paths.log(this.spec.name)}:\n${await this.logTail()}`,
    );
  }

  #throwIfCancelled(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new StartCancelledError(`The start of ${this.spec.title} was cancelled`);
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
