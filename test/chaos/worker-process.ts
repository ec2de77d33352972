import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.ts';
import { environmentOfWorker, type WorkerSettings } from './worker-settings.ts';

/** A worker (test/chaos/worker.ts), or another program of the chaos tests, as a child process. */
export class WorkerProcess {
  /** Lines that it has printed so far. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(
    environment: NodeJS.ProcessEnv,
    settings: Partial<WorkerSettings> = {},
    program: 'worker' | 'hijacker' = 'worker',
  ) {
    const file = fileURLToPath(new URL(`./${program}.ts`, import.meta.url));
    this.#child = spawn(process.execPath, ['--import', 'tsx', file], {
      env: { ...process.env, ...environment, ...environmentOfWorker(settings) },
      // The IPC channel closes when this process exits, and then the child exits too.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream) createInterface({ input: stream }).on('line', (line) => this.lines.push(line));
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  linesStartingWith(prefix: string): string[] {
    return this.lines.filter((line) => line.startsWith(prefix));
  }

  /** Waits until it has printed a line with this prefix. @throws an Error with its last lines */
  async untilLine(prefix: string, seconds = 120): Promise<void> {
    const hasLine = () => this.linesStartingWith(prefix).length > 0;
    const deadline = until(`a line "${prefix}"`, () => Promise.resolve(hasLine() || this.hasExited), seconds);
    await deadline.catch(() => {}); // the error below shows more
    if (!hasLine())
      throw new Error(
        `no line "${prefix}" from the process; its last lines:\n${this.lines.slice(-20).join('\n')}`,
      );
  }

  /** Sends SIGKILL, which also ends a suspended process, and waits for the exit. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  untilExit = (): Promise<unknown> => this.#exited;
  suspend = (): boolean => this.#child.kill('SIGSTOP');
  resume = (): boolean => this.#child.kill('SIGCONT');
  /** Ends the action `wait`. */
  endWait = (): boolean => this.#child.send('end wait');
}
