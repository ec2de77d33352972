import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.ts';
import { ordersEnvironment, type WorkerOrders } from './worker-orders.ts';

/** A worker (test/chaos/worker.ts), or another program of the chaos tests, as a process of its own. */
export class WorkerProcess {
  /** What it has said so far, each line. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(
    environment: NodeJS.ProcessEnv,
    orders: Partial<WorkerOrders> = {},
    program: 'worker' | 'hijacker' = 'worker',
  ) {
    const file = fileURLToPath(new URL(`./${program}.ts`, import.meta.url));
    this.#child = spawn(process.execPath, ['--import', 'tsx', file], {
      env: { ...process.env, ...environment, ...ordersEnvironment(orders) },
      // With a channel, so that it ends when this process does.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream) createInterface({ input: stream }).on('line', (line) => this.lines.push(line));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Lines that begin so. */
  saying(beginning: string): string[] {
    return this.lines.filter((line) => line.startsWith(beginning));
  }

  /** Waits until it has said a line that begins so. @throws an Error with its last lines */
  async says(beginning: string, seconds = 120): Promise<void> {
    const said = () => this.saying(beginning).length > 0;
    try {
      await until(`"${beginning}"`, () => Promise.resolve(said() || this.hasEnded), seconds);
    } catch {
      // told below
    }
    if (!said())
      throw new Error(
        `worker never said "${beginning}"; it ended with:\n${this.lines.slice(-20).join('\n')}`,
      );
  }

  /** kill -9, also when it is stopped. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  ended = (): Promise<unknown> => this.#exited;
  stop = (): boolean => this.#child.kill('SIGSTOP');
  continue = (): boolean => this.#child.kill('SIGCONT');
  /** Ends the fault `wait`. */
  goOn = (): boolean => this.#child.send('go on');
}
