import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena } from './arena.ts';
import type { WorkerProcess } from './worker-process.ts';

/** Ranges; a batch is six of them, shared by the crew. */
const COMMITS_BEFORE_KILL = 6;

/** Workers, one of which is killed every few seconds and replaced at once. */
export class Crew {
  kills = 0;
  #workers: WorkerProcess[] = [];
  #over = false;
  #killing: Promise<void> = Promise.resolve();

  constructor(
    private readonly arena: Arena,
    private readonly size = 2,
  ) {}

  /** Starts the workers, and from when they are ready kills one after the other. */
  async start(everyMs: number): Promise<void> {
    this.#workers = Array.from({ length: this.size }, () => this.arena.worker());
    await Promise.all(this.#workers.map((worker) => worker.says('ready')));
    this.#killing = this.#kill(everyMs);
  }

  /** Takes a worker out of the crew, that it may be stopped and not killed; another takes its place. */
  release(): WorkerProcess {
    const worker = this.#workers.pop();
    if (!worker) throw new Error('the crew has no worker');
    this.#workers.push(this.arena.worker());
    return worker;
  }

  /** No more kills; the workers stay. */
  async spare(): Promise<void> {
    this.#over = true;
    await this.#killing;
  }

  /**
   * Kills only who has committed as much as a batch. While a killed worker's range waits for its heartbeat to time out there
   * is nothing to interrupt; and on a slow machine workers would die before they did anything.
   */
  async #kill(everyMs: number): Promise<void> {
    for (;;) {
      await sleep(everyMs);
      if (this.#over) return;
      const index = this.#workers.findIndex(
        (worker) => worker.saying('commit done').length >= COMMITS_BEFORE_KILL,
      );
      const [victim] = index < 0 ? [] : this.#workers.splice(index, 1);
      if (victim === undefined) continue;
      await victim.kill();
      this.kills += 1;
      this.#workers.push(this.arena.worker());
    }
  }
}

/** Does again what an engine that is away refuses. @throws the last error after so many seconds */
export async function persist<T>(work: () => Promise<T>, seconds = 120): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(500);
    }
  }
}
